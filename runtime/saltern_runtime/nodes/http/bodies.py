"""What the bytes of an answer say: JSON as its value, other text as a string."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Final

from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.spec import Json

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_JSON: Final = re.compile(r"(application|text)/json|.*\+json")
_TEXT: Final = re.compile(r"text/.*|.*(json|xml|yaml|csv|script|urlencoded)")
_PAGE: Final = re.compile(r".*(html|xml)|")
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


class BodyError(Exception):
    """A body is not what its type says; `code` is a short stable word."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def value_of(content: bytes, content_type: str) -> Json:
    """Return what a body says, None for an empty one; raises BodyError."""
    if not content:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    text = _decoded(content, kind, _charset(content_type))
    if text is None:
        raise BodyError(f'{kind or "bytes"}, which is no text: take it as a file (`as: "file"`)', "not-text")
    return _parsed(text) if _JSON.fullmatch(kind) else text


def _charset(content_type: str) -> str:
    found = re.search(r";\s*charset\s*=\s*\"?([^\s\";]+)", content_type, re.IGNORECASE)
    return found[1] if found else ""


def _decoded(content: bytes, kind: str, charset: str) -> str | None:
    """Read text by the first sign that explains all of it; with replacements where none does but it is called text."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            charset, content = encoding, content.removeprefix(mark)
            break
    is_text = bool(charset or _TEXT.fullmatch(kind))
    for name in _signs(content, kind, charset, guess=is_text or not kind):
        try:
            encoding = codecs.lookup(name).name
            if encoding not in _NO_CHARSETS:
                return content.decode(_WIDER.get(encoding, encoding))
        except (LookupError, ValueError):
            continue
    return content.decode(errors="replace") if is_text else None


def _signs(content: bytes, kind: str, charset: str, *, guess: bool) -> Iterator[str]:
    """Yield names of encodings, the surest first."""
    if charset:
        yield charset
    if _JSON.fullmatch(kind):
        yield json.detect_encoding(content)
    if _PAGE.fullmatch(kind):
        found = (next(filter(None, match)) for match in _DECLARED.findall(content[:_HEAD]))
        # What was read byte by byte as far as its declaration is not of two bytes a character.
        yield from (name for name in (each.decode("ascii", "replace") for each in found) if not _is_wide(name))
    yield "utf-8"
    if guess:
        import chardet  # noqa: PLC0415 - it takes 90 ms, and few answers need it

        yield chardet.detect(content, encoding_era=chardet.EncodingEra.MODERN_WEB)["encoding"] or ""


def _is_wide(name: str) -> bool:
    return name.lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))


def _parsed(text: str) -> Json:
    try:
        return read_json(text)
    except JsonTextError as error:
        raise BodyError(f"a body that {error}", "not-json") from error
