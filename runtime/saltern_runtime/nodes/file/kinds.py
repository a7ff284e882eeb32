"""What a file is: told by its bytes. What it is called and said to be is held against that."""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterable
from typing import BinaryIO, Final, Literal

from saltern_runtime.nodes.file import archive
from saltern_runtime.nodes.file.refusal import Refusal

Kind = Literal["pdf", "docx", "xlsx", "text"]

HEAD: Final = 1024
"""Bytes in which a PDF says that it is one."""
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_MAGIC: Final = tuple(
    (re.compile(mark, re.DOTALL), what)
    for mark, what in (
        (rb"\x89PNG", "a PNG image"),
        (rb"\xff\xd8\xff", "a JPEG image"),
        (rb"GIF8[79]a(?:.|...)[\x00-\x08\x0b\x0c\x0e-\x1f]", "a GIF image"),
        (rb"II\*\0|MM\0\*", "a TIFF image"),
        (rb"BM....\0{4}", "a BMP image"),
        (rb"RIFF...[\x00-\x08\xff][ -~]{4}", "a RIFF file (WebP, AVI or WAV)"),
        (rb"\x7fELF|MZ\x90\0|\xfe\xed\xfa|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe|\0asm", "a program"),
        (rb"\x1f\x8b", "compressed by gzip"),
        (rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "compressed by bzip2"),
        (rb"\xfd7zXZ", "compressed by xz"),
        (rb"\x28\xb5\x2f\xfd", "compressed by zstd"),
        (rb"7z\xbc\xaf", "a 7z archive"),
        (rb"Rar!\x1a\x07", "a RAR archive"),
        (rb"SQLite format 3\0", "an SQLite database"),
        (rb"PAR1\x15", "a Parquet file"),
        (rb"\{\\rtf[0-9]", "an RTF document"),
        (rb"ID3[\x02-\x04]", "an MP3 file"),
        (rb"OggS\0", "an Ogg file"),
        (rb"%!PS(?:-Adobe-[0-9]|\s)", "a PostScript file"),
    )
)
"""Letters alone are no mark, since a table may begin with any: they have behind them what the format has there."""
_PDF: Final = re.compile(rb"%PDF-[0-9]")
_OBJECT: Final = re.compile(rb"[0-9] obj\b")
_NO_TEXT: Final = re.compile(rb"[\x00-\x07\x0b\x0e-\x1a\x1c-\x1f]")
_CLAIMS: Final = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "pdf": "pdf",
    "docx": "docx",
    "xlsx": "xlsx",
}
_TEXTS: Final = frozenset({"txt", "md", "html", "htm", "csv", "tsv", "json", "jsonl", "ndjson", "log"})
_NO_TEXTS: Final = frozenset({"text/rtf", "text/richtext"})
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
    says_text = end_of(name) in _TEXTS or (bare(media_type).startswith("text/") and bare(media_type) not in _NO_TEXTS)
    if says_text and _reads_as_text(head):
        return "text"
    for mark, what in _MAGIC:
        if mark.match(head):
            raise Refusal("unsupported-type", f"it is {what}; it may be {may}")
    if head.startswith(_OLE):
        raise _ole(content, may)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(content, may)
    begins = _PDF.search(head)
    return "pdf" if begins is not None and (begins.start() == 0 or not says_text) else "text"


def _reads_as_text(head: bytes) -> bool:
    """Whether the beginning of a file is nothing but UTF-8, and no PDF with objects in it."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not _NO_TEXT.search(head) and not (_PDF.match(head) and _OBJECT.search(head))


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
