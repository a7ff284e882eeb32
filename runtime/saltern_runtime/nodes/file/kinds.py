"""What a file is: told by its bytes. What it is called and said to be is held against that."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import BinaryIO, Final, Literal

from saltern_runtime.nodes.file import archive
from saltern_runtime.nodes.file.refusal import Refusal

Kind = Literal["pdf", "docx", "xlsx", "text"]

HEAD: Final = 1024
"""Bytes in which a PDF says that it is one."""
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_MAGIC: Final = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"RIFF", "a RIFF file (WebP, AVI or WAV)"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"\xfe\xed\xfa", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\0asm", "a program"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "an RTF document"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"%!PS", "a PostScript file"),
)
_CLAIMS: Final = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "pdf": "pdf",
    "docx": "docx",
    "xlsx": "xlsx",
}
_TEXTS: Final = frozenset({"txt", "md", "html", "htm", "csv", "tsv", "json", "jsonl", "log"})
SHOWN: Final = {"pdf": "a PDF", "docx": "a Word document", "xlsx": "an Excel workbook", "text": "text"}
_OTHERS: Final = (
    ("xl/workbook.bin", "a binary Excel workbook (.xlsb)"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("META-INF/manifest.xml", "an OpenDocument file"),
    ("META-INF/container.xml", "an EPUB"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
)


def end_of(name: str) -> str:
    """Return the end of a name, in lower case: `pdf`."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def bare(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def kind_of(content: BinaryIO, name: str, media_type: str, takes: Iterable[Kind], may: str) -> Kind:
    """Return what a file is, one of `takes`; raises Refusal, which says what it is and what it `may` be."""
    found = _found(content, name, media_type, may)
    claims = {_CLAIMS.get(bare(media_type)), _CLAIMS.get(end_of(name))} - {None}
    if claims and found not in claims:
        claimed = " or ".join(sorted(SHOWN[str(claim)] for claim in claims))
        raise Refusal("wrong-type", f"it says that it is {claimed}, but its bytes are {SHOWN[found]}")
    if found not in takes:
        raise Refusal("wrong-type", f"it is {SHOWN[found]}; it may be {may}")
    return found


def _found(content: BinaryIO, name: str, media_type: str, may: str) -> Kind:
    content.seek(0)
    head = content.read(HEAD)
    for mark, what in _MAGIC:
        if head.startswith(mark):
            raise Refusal("unsupported-type", f"it is {what}; it may be {may}")
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        raise Refusal("unsupported-type", f"it is a BMP image; it may be {may}")
    if head.startswith(_OLE):
        raise _ole(content, may)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(content, may)
    at = head.find(b"%PDF-")
    is_text = bare(media_type).startswith("text/") or end_of(name) in _TEXTS
    return "pdf" if at == 0 or (at > 0 and not is_text) else "text"


def _ole(content: BinaryIO, may: str) -> Refusal:
    content.seek(0)
    if "EncryptedPackage".encode("utf-16-le") in content.read():
        return Refusal("encrypted", "it is an Office file that is protected by a password; take the protection away")
    older = f"it is a file of an old Office (.doc, .xls, .ppt) or a message of Outlook; it may be {may}"
    return Refusal("unsupported-type", older)


def _zip(content: BinaryIO, may: str) -> Kind:
    with archive.opened(content) as packed:
        names = frozenset(packed.namelist())
        if "word/document.xml" in names or "xl/workbook.xml" in names:
            archive.check(packed, _size(content))
            return "docx" if "word/document.xml" in names else "xlsx"
        what = next((what for mark, what in _OTHERS if mark in names), _plain_zip(packed))
    raise Refusal("unsupported-type", f"it is {what}; it may be {may}")


def _plain_zip(packed: zipfile.ZipFile) -> str:
    return "a ZIP archive" if packed.namelist() else "an empty ZIP archive"


def _size(content: BinaryIO) -> int:
    return content.seek(0, 2)
