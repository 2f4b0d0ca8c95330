# SPDX-License-Identifier: EUPL-1.2
"""Which files we take: by what is said of them, and by what is in them."""

import pytest

from handlers.rules.files import KINDS, MOST_BYTES, Kind, claimed, looked_into, name_to_save, refused
from tests import files

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

TAKEN = [
    ("document", "cv.pdf", "application/pdf"),
    ("document", "CV di Amina.PDF", "application/octet-stream"),  # what many telephones say of everything
    ("document", "mario.rossi.2027.pdf", "application/pdf"),
    ("document", "السيرة الذاتية.docx", WORD),
    ("document", "cv.doc", "application/msword"),
    ("document", "cv.odt", "application/vnd.oasis.opendocument.text"),
    ("document", "cv.rtf", "application/msword"),  # as Windows has it
    ("document", "cv.txt", "text/plain; charset=utf-8"),
    ("document", "attestato.heic", "image/heif"),
    ("document", None, "image/webp"),
    ("document", "senza nome", "application/pdf"),
    ("photo", None, None),
    ("voice", None, "audio/ogg"),
    ("voice", "memo.m4a", "audio/mp4"),
    ("voice", "memo.mp3", "audio/mpeg"),
]
NOT_TAKEN = [
    ("document", "cv.exe", "application/pdf", "kind"),
    ("document", "cv.pdf", "application/x-msdownload", "kind"),  # its ending and its kind say different things
    ("document", "cv.pdf", "text/html", "kind"),
    ("document", "cv.pdf.exe", None, "kind"),
    ("document", "cv.exe.pdf", "application/pdf", "name"),
    ("document", "cv.exe .pdf", "application/pdf", "name"),
    ("document", "cv\u202efdp.exe", None, "name"),  # shown as cvexe.pdf
    ("document", "cv\u2066.pdf", "application/pdf", "name"),
    ("document", "page.html", "text/html", "kind"),
    ("document", "logo.svg", "image/svg+xml", "kind"),
    ("document", "cv.docm", "application/vnd.ms-word.document.macroEnabled.12", "kind"),
    ("document", "budget.xlsm", None, "kind"),
    ("document", "all.zip", "application/zip", "kind"),
    ("document", "game.apk", "application/vnd.android.package-archive", "kind"),
    ("document", "script.js", "text/javascript", "kind"),
    ("document", None, None, "kind"),
    ("document", "", "", "kind"),
    ("document", "cv", "application/octet-stream", "kind"),
    ("voice", "memo.flac", "audio/flac", "kind"),
    ("photo", None, "video/mp4", "kind"),
]


@pytest.mark.parametrize(("kind", "name", "mime"), TAKEN)
def test_what_people_send_to_a_desk_is_taken(kind: str, name: str | None, mime: str | None) -> None:
    assert refused(kind, name, mime, 4000) is None


@pytest.mark.parametrize(("kind", "name", "mime", "why"), NOT_TAKEN)
def test_what_is_dangerous_or_unknown_is_not(kind: str, name: str | None, mime: str | None, why: str) -> None:
    assert refused(kind, name, mime, 4000) == why


def test_twenty_megabytes_are_taken_and_not_one_byte_more() -> None:
    assert refused("document", "cv.pdf", "application/pdf", MOST_BYTES) is None
    assert refused("document", "cv.pdf", "application/pdf", MOST_BYTES + 1) == "size"
    assert refused("document", "cv.pdf", "application/pdf", None) is None, "we shall see when it arrives"
    assert looked_into(files.PDF.ljust(MOST_BYTES + 1), "pdf") == "size"


INSIDE = [
    ("cv.pdf", files.PDF, "application/pdf"),
    ("cv.doc", files.old_word(), "application/msword"),
    ("cv.docx", files.word("word/embeddings/Microsoft_Excel_Sheet1.xlsx"), WORD),
    ("cv.odt", files.open_document(), "application/vnd.oasis.opendocument.text"),
    ("cv.rtf", files.RTF, "application/rtf"),
    ("cv.txt", files.TEXT, "text/plain"),
    ("cv.txt", files.OLD_TEXT, "text/plain"),
    ("cv.txt", "Così".encode("utf-16"), "text/plain"),
    ("cv.jpg", files.JPEG, "image/jpeg"),
    ("cv.png", files.PNG, "image/png"),
    ("cv.webp", files.WEBP, "image/webp"),
    ("cv.heic", files.HEIC, "image/heic"),
    ("cv.ogg", files.VOICE, "audio/ogg"),
    ("cv.mp3", files.MP3, "audio/mpeg"),
    ("cv.m4a", files.M4A, "audio/mp4"),
]


@pytest.mark.parametrize(("name", "content", "mime"), INSIDE, ids=lambda value: value if isinstance(value, str) else "")
def test_what_it_says_it_is_it_is(name: str, content: bytes, mime: str) -> None:
    found = looked_into(content, claimed("document", name, None))
    assert isinstance(found, Kind) and found.mime == mime


def test_every_kind_is_tried() -> None:
    assert {mime for _name, _content, mime in INSIDE} == {kind.mime for kind in KINDS}


def test_a_picture_under_another_pictures_name_is_a_picture() -> None:
    found = looked_into(files.PNG, claimed("document", "attestato.jpg", "image/jpeg"))
    assert isinstance(found, Kind) and found.mime == "image/png"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cv.pdf", files.PROGRAM),
        ("cv.pdf", files.PAGE),
        ("cv.pdf", b""),
        ("cv.txt", files.PROGRAM),
        ("cv.jpg", files.PDF),
        ("cv.pdf", files.JPEG),
        ("cv.docx", files.packed("game.exe")),
        ("cv.docx", files.packed("xl/workbook.xml", "[Content_Types].xml")),
        ("cv.docx", files.ARCHIVE),
        ("cv.docx", files.word()[:-30]),
        ("cv.docx", files.ARCHIVE + b"PK\x01\x02" * 3000),
        ("cv.odt", files.word()),
        ("cv.doc", files.old_word()[:8]),  # the same beginning as an installer's
        ("memo.ogg", files.PROGRAM),
    ],
)
def test_what_says_it_is_something_else_is_not_kept(name: str, content: bytes) -> None:
    assert looked_into(content, claimed("document", name, None)) == "contents"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cv.pdf", files.PDF_WITH_A_SCRIPT),
        ("cv.pdf", files.PDF + b"<< /S /Launch /F (cmd.exe) >>"),
        ("cv.doc", files.old_word("_VBA_PROJECT")),
        ("cv.docx", files.word("word/vbaProject.bin")),
        ("cv.docx", files.word("word/embeddings/oleObject1.bin")),
        ("cv.docx", files.word("word/activeX/activeX1.xml")),
        ("cv.odt", files.open_document("Basic/Standard/Module1.xml")),
        ("cv.rtf", files.RTF_WITH_AN_OBJECT),
    ],
)
def test_a_program_inside_a_document_is_found(name: str, content: bytes) -> None:
    assert looked_into(content, claimed("document", name, None)) == "dangerous"


def test_a_europass_curriculum_carries_its_own_data() -> None:
    found = looked_into(files.PDF + b"<< /Type /EmbeddedFile /Subtype /text#2Fxml >>", "pdf")
    assert isinstance(found, Kind)


@pytest.mark.parametrize(
    ("name", "mime", "saved"),
    [
        ("cv.pdf", "application/pdf", "cv.pdf"),
        ("Foto.JPEG", "image/jpeg", "Foto.jpeg"),
        ("attestato.jpg", "image/png", "attestato.jpg.png"),
        (None, "image/jpeg", "file-7.jpg"),
        ("../../etc/passwd.txt", "text/plain", "passwd.txt"),
        ("C:\\cv.pdf", "application/pdf", "cv.pdf"),
        ('a"b\r\n\u202ec.pdf', "application/pdf", "abc.pdf"),
        ("...", "application/pdf", "file-7.pdf"),
        ("è" * 300 + ".pdf", "application/pdf", "è" * 100 + ".pdf"),
        ("السيرة.docx", WORD, "السيرة.docx"),
    ],
)
def test_it_is_saved_under_a_name_that_does_no_harm(name: str | None, mime: str, saved: str) -> None:
    assert name_to_save(name, mime, 7) == saved
