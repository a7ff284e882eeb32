"""Which characters bytes stand for: by their mark, by what is said of them, then by what they look like."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED: Final = re.compile(
    rb"<meta[^>]+?charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE
)
_HEAD: Final = 4096
"""Bytes in which a page declares its charset."""
_WIDER: Final = {
    "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
"""What is meant by a name, as browsers read it (WHATWG, Encoding)."""
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})


def charset_in(media_type: str) -> str:
    """Return the charset that a media type declares; empty where it declares none."""
    found = re.search(r";\s*charset\s*=\s*[\"']?([^\s\"';]+)", media_type, re.IGNORECASE)
    return found[1] if found else ""


def decoded(content: bytes, *, charset: str = "", is_json: bool, is_page: bool, guess: bool) -> str | None:
    """Read text by the first sign that explains all of it; None where none does.

    `charset` is what is said of it. A page declares its own; to `guess` is to look at the bytes themselves, if they are no UTF-8.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            charset, content = encoding, content.removeprefix(mark)
            break
    for name in _signs(content, charset, is_json=is_json, is_page=is_page, guess=guess):
        encoding = charset_of(name)
        if encoding:
            try:
                return content.decode(encoding)
            except ValueError:
                continue
    return None


def has_mark(content: bytes) -> bool:
    """Whether bytes begin with the mark of an encoding, so that they are meant to be text."""
    return content.startswith(tuple(mark for mark, _ in _MARKS))


def charset_of(name: str) -> str:
    """Return the encoding that a name means; empty where it means none of text."""
    try:
        encoding = codecs.lookup(name).name
        bytes(4).decode(encoding)  # refuses what turns bytes into bytes (hex, zip)
    except (LookupError, ValueError):
        return ""
    return "" if encoding in _NO_CHARSETS else _WIDER.get(encoding, encoding)


def wrong_encoding(name: str) -> str:
    """Return why a name is none of an encoding of text; empty where it is one."""
    return "" if charset_of(name) else f"there is no encoding {name!r}"


def _signs(content: bytes, charset: str, *, is_json: bool, is_page: bool, guess: bool) -> Iterator[str]:
    """Yield names of encodings, the surest first."""
    if charset:
        yield charset
    if is_json:
        yield json.detect_encoding(content)
    if is_page:
        found = (next(filter(None, match)) for match in _DECLARED.findall(content[:_HEAD]))
        # What was read byte by byte as far as its declaration is not of two bytes a character.
        yield from (name for name in (each.decode("ascii", "replace") for each in found) if not _is_wide(name))
    yield "utf-8"
    if guess:
        import chardet  # noqa: PLC0415 - it takes 90 ms, and few texts need it

        yield chardet.detect(content, encoding_era=chardet.EncodingEra.MODERN_WEB)["encoding"] or ""


def _is_wide(name: str) -> bool:
    return name.lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))
