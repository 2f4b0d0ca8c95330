# SPDX-License-Identifier: EUPL-1.2
"""Which files we take, and whether what is inside is what it claims to be."""

import io
import re
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MOST_BYTES = 20 * 1024 * 1024  # what Telegram lets a program fetch
MOST_PARTS = 2_000  # in a Word or OpenDocument file; more of them only fill the memory

Refusal = Literal["kind", "size", "name", "contents", "dangerous"]
"""Why a file is refused: the kind it claims, its size, its name; not what it claims to be; something hidden in it."""


@dataclass(frozen=True)
class Kind:
    """
    A kind of file: its MIME type, its endings, and how its contents begin.

    ``also`` are other MIME types that apps declare. Within a family, such as pictures, one kind may pass for another:
    phones rename a picture and do not change it.
    """

    mime: str
    endings: tuple[str, ...]
    family: str
    is_inside: Callable[[bytes], bool]
    hides: Callable[[bytes], bool] = lambda content: False
    also: tuple[str, ...] = ()


def starts(*beginnings: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(beginnings, at)


def is_text(content: bytes) -> bool:
    """Words that can be read: no control signs, in one of the encodings that people's computers write."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        words = content.decode(encoding)
    except UnicodeDecodeError:
        words = content.decode("cp1252", "replace")
    return not CONTROL.search(words)


def parts(content: bytes) -> set[str]:
    """The names of the parts of a zip; none where it is no zip, or an absurd one."""
    if not content.startswith(b"PK\x03\x04") or content.count(b"PK\x01\x02") > MOST_PARTS:
        return set()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as found:
            return set(found.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return set()


def is_word(content: bytes) -> bool:
    return {"[Content_Types].xml", "word/document.xml"} <= parts(content)


def is_open_document(content: bytes) -> bool:
    return content.startswith(b"mimetypeapplication/vnd.oasis.opendocument.textPK", 30) and bool(parts(content))


def holds_a_program(content: bytes) -> bool:
    """Macros of Word or OpenOffice, or a program packed inside the file."""
    return any(PROGRAMS.search(name) for name in parts(content))


def is_old_word(content: bytes) -> bool:
    return content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") and wide("WordDocument") in content


def is_mp3(content: bytes) -> bool:
    return content.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"))


def wide(name: str) -> bytes:
    """A name as old Word files write it."""
    return name.encode("utf-16-le")


def has(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda content: any(mark in content for mark in marks)


CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
PROGRAMS = re.compile(r"vbaProject|vbaData|activeX/|/embeddings/.*\.bin$|^Basic/|^Scripts/", re.IGNORECASE)
# A PDF may also hide such a thing in a compressed part, where only a viewer finds it; these are the plain ones. A file
# inside a PDF is no reason to refuse it: a Europass curriculum carries its own data that way.
IN_A_PDF = (b"/Launch", b"/JavaScript")
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MP4 = (b"ftypM4A", b"ftypM4B", b"ftypisom", b"ftypiso2", b"ftypmp41", b"ftypmp42")
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")

KINDS = (
    Kind("application/pdf", ("pdf",), "pdf", lambda content: b"%PDF-" in content[:1024], has(*IN_A_PDF)),
    Kind("application/msword", ("doc",), "doc", is_old_word, has(wide("_VBA_PROJECT"), wide("Ole10Native"))),
    Kind(DOCX, ("docx",), "docx", is_word, holds_a_program),
    Kind("application/vnd.oasis.opendocument.text", ("odt",), "odt", is_open_document, holds_a_program),
    Kind("application/rtf", ("rtf",), "rtf", starts(b"{\\rtf"), has(b"\\obj"), ("text/rtf", "application/msword")),
    Kind("text/plain", ("txt",), "text", is_text),
    Kind("image/jpeg", ("jpg", "jpeg"), "picture", starts(b"\xff\xd8\xff"), also=("image/jpg",)),
    Kind("image/png", ("png",), "picture", starts(b"\x89PNG\r\n\x1a\n")),
    Kind("image/webp", ("webp",), "picture", lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP"),
    Kind("image/heic", ("heic",), "picture", starts(*HEIC, at=4), also=("image/heif",)),
    Kind("audio/ogg", ("ogg", "oga"), "recording", starts(b"OggS"), also=("audio/opus", "application/ogg")),
    Kind("audio/mpeg", ("mp3",), "recording", is_mp3, also=("audio/mp3",)),
    Kind("audio/mp4", ("m4a",), "recording", starts(*MP4, at=4), also=("audio/m4a", "audio/x-m4a", "audio/aac")),
)
UNKNOWN = (None, "", "application/octet-stream", "binary/octet-stream")  # what apps declare that do not know
# What somebody who wants to deceive puts before the last dot: cv.exe.pdf.
DECEIVING = {
    "exe",
    "scr",
    "bat",
    "cmd",
    "msi",
    "js",
    "vbs",
    "ps1",
    "hta",
    "jar",
    "apk",
    "lnk",
    "dll",
    "sh",
    "docm",
    "xlsm",
}
TURNED_ROUND = re.compile("[\u202a-\u202e\u2066-\u2069]")
MEDIA = {"photo": "picture", "voice": "recording"}  # the family that a message of this kind carries


def refused(message_kind: str, name: str | None, mime: str | None, size: int | None) -> Refusal | None:
    """Why a file is refused for what is said of it; None where it may be fetched. Size is in bytes."""
    if name and (TURNED_ROUND.search(name) or DECEIVING & set(middle(name))):
        return "name"
    if claimed(message_kind, name, mime) is None:
        return "kind"
    return "size" if size is not None and size > MOST_BYTES else None


def claimed(message_kind: str, name: str | None, mime: str | None) -> str | None:
    """The family a file says it is of: its ending and its MIME type must agree. None for all that we do not take."""
    declared = mime.partition(";")[0].strip().lower() if mime else None
    by_mime = [kind for kind in KINDS if declared in (kind.mime, *kind.also)]
    by_name = [kind for kind in KINDS if name and ending(name) in kind.endings]
    if name and ending(name):
        agree = [kind for kind in by_name if declared in UNKNOWN or kind in by_mime]
        return agree[0].family if agree else None
    if declared not in UNKNOWN:
        return by_mime[0].family if by_mime else None
    return MEDIA.get(message_kind)


def looked_into(content: bytes, family: str | None) -> Kind | Refusal:
    """What a file is by its contents, or why it is refused."""
    if len(content) > MOST_BYTES:
        return "size"
    kind = next((one for one in KINDS if one.family == family and content and one.is_inside(content)), None)
    if kind is None:
        return "contents"
    return "dangerous" if kind.hides(content) else kind


def name_to_save(name: str | None, mime: str, number: int) -> str:
    """A name under which anybody may save it: no folders, nothing unseen, and the ending of what is inside."""
    kind = next((one for one in KINDS if one.mime == mime), None)
    endings = kind.endings if kind else ("bin",)
    base = re.split(r"[/\\]", name or "")[-1]
    kept = "".join(sign for sign in base if unicodedata.category(sign)[0] != "C" and sign not in '<>:"|?*').strip(" .")
    if ending(kept) in endings:
        kept = kept.rpartition(".")[0]
    return f"{kept[:100] or f'file-{number}'}.{ending(base) if ending(base) in endings else endings[0]}"


def ending(name: str) -> str:
    return name.strip(" .").rpartition(".")[2].lower() if "." in name.strip(" .") else ""


def middle(name: str) -> list[str]:
    """What stands between the first dot and the last: the "pdf" of cv.pdf.exe, the "exe" of cv.exe.pdf."""
    return [part.strip().lower() for part in name.split(".")[1:-1]]
