# SPDX-License-Identifier: EUPL-1.2
"""Files as people send them, and as people should not."""

import io
import zipfile

PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n%%EOF\n"
PDF_WITH_A_SCRIPT = PDF.replace(b"/Type /Catalog", b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>")
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
VOICE = b"OggS\x00\x02\x00\x00\x00\x00OpusHead"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00"
M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00"
RTF = rb"{\rtf1\ansi Curriculum di Amina}"
RTF_WITH_AN_OBJECT = rb"{\rtf1\ansi {\object\objemb{\*\objdata 0105}}}"
TEXT = "Curriculum di Amina, nata a Bologna nel 1987. È cuoca.".encode()
OLD_TEXT = "Perché no? È cuoca.".encode("cp1252")
PAGE = b"<html><script>alert(1)</script></html>"
ARCHIVE = b"PK\x03\x04"


def word(*more: str) -> bytes:
    return packed("[Content_Types].xml", "word/document.xml", *more)


def open_document(*more: str) -> bytes:
    return packed("mimetype", "content.xml", *more, kind="application/vnd.oasis.opendocument.text")


def old_word(*names: str) -> bytes:
    """An old Word file, as far as anybody looks into it."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"".join(one.encode("utf-16-le") for one in ("WordDocument", *names))


def packed(*names: str, kind: str = "") -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as parts:
        for name in names:
            parts.writestr(name, kind if name == "mimetype" else "<xml/>")
    return whole.getvalue()
