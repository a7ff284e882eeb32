"""The text of literals of expressions and what it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from saltern_compiler.characters import is_printable

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_PREFIX: Final = re.compile(r"[rRbB]*")
_SIMPLE: Final = {
    "a": 0x07, "b": 0x08, "f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B,
    "\\": 0x5C, "?": 0x3F, '"': 0x22, "'": 0x27, "`": 0x60,
}  # fmt: skip
_NUMERIC: Final = re.compile(r"[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})")


class EscapeError(ValueError):
    """An escape sequence stands for nothing; `start` and `end` are offsets in the literal's text."""

    def __init__(self, reason: str, start: int, end: int) -> None:
        super().__init__(reason)
        self.start = start
        self.end = end


def read_int(text: str) -> int:
    """Read `12` or `0x0c`, with or without the `u` of unsigned integers."""
    digits = text.rstrip("uU")
    return int(digits, 16) if digits[:2].lower() == "0x" else int(digits)


def read_string(text: str) -> str:
    """Read a string literal with its prefix and quotes; raises `EscapeError`."""
    raw, body, start = _open(text)
    if raw:
        return body
    return "".join(chr(part) if isinstance(part, int) else part for part, _ in _parts(body, start, octets=False))


def read_bytes(text: str) -> bytes:
    """Read a bytes literal with its prefix and quotes; raises `EscapeError`."""
    raw, body, start = _open(text)
    if raw:
        return body.encode("utf-8", "surrogatepass")
    return b"".join(
        bytes([part]) if isinstance(part, int) else part.encode("utf-8", "surrogatepass")
        for part, _ in _parts(body, start, octets=True)
    )


def _open(text: str) -> tuple[bool, str, int]:
    match = _PREFIX.match(text)
    prefix = match.group() if match else ""
    rest = text[len(prefix) :]
    width = 3 if rest[:3] in ('"""', "'''") else 1
    return "r" in prefix.lower(), rest[width : len(rest) - width], len(prefix) + width


def _parts(body: str, start: int, *, octets: bool) -> Iterator[tuple[str | int, int]]:
    at = 0
    while at < len(body):
        slash = body.find("\\", at)
        if slash < 0:
            yield body[at:], at
            return
        if slash > at:
            yield body[at:slash], at
        value, at = _escape(body, slash, start, octets=octets)
        yield value, slash


def _escape(body: str, slash: int, start: int, *, octets: bool) -> tuple[int, int]:
    head = body[slash + 1 : slash + 2]
    if head in _SIMPLE and head:
        return _SIMPLE[head], slash + 2
    match = _NUMERIC.match(body, slash + 1)
    if match is None:
        raise EscapeError(f"\\{head} is no escape sequence", start + slash, start + slash + 2)
    byte, short, long, octal = match.groups()
    value = int(octal, 8) if octal else int(byte or short or long, 16)
    place = (start + slash, start + match.end())
    if octets and (short or long):
        raise EscapeError(f"\\{head} stands for a character, which bytes do not hold", *place)
    if 0xD800 <= value < 0xE000 or value > 0x10FFFF:
        raise EscapeError(f"\\{match.group()} is no Unicode character", *place)
    return value, match.end()


_NAMED: Final = {
    0x07: "\\a", 0x08: "\\b", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x0B: "\\v", 0x5C: "\\\\", 0x22: '\\"',
}  # fmt: skip


def half_character(text: str) -> tuple[int, int] | None:
    """Return where the first half of a surrogate pair stands, if there is one."""
    half = _SURROGATE.search(text)
    return None if half is None else half.span()


def show_string(value: str) -> str:
    """Write a string literal; what is not printable is escaped."""
    return '"' + "".join(_show_char(char) for char in value) + '"'


def show_bytes(value: bytes) -> str:
    """Write a bytes literal in ASCII."""
    parts = (_NAMED.get(octet) or (chr(octet) if 0x20 <= octet < 0x7F else f"\\x{octet:02x}") for octet in value)
    return 'b"' + "".join(parts) + '"'


def _show_char(char: str) -> str:
    code = ord(char)
    if code in _NAMED:
        return _NAMED[code]
    if is_printable(char):
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
