"""JSON text to values, and to the places of its values.

`json` reads; the scanner here is asked only for places: of findings, and for the `Locator`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import field
from typing import Final, NamedTuple

from saltern_compiler.characters import is_printable
from saltern_compiler.diagnostics.model import Diagnostic, Origin, Related
from saltern_runtime.dataclass import dataclass
from saltern_runtime.integers import INT_MAX, INT_MIN
from saltern_runtime.spec import Json

MAX_DEPTH: Final = 100
"""Levels of objects and lists at most: what every later walk over a document can recurse through."""

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_MAYBE_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_TOKEN: Final = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<mark>[{}\[\],:])
      | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
      | (?P<word>NaN|-?Infinity|true|false|null)
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Place(NamedTuple):
    """Offsets of a value in the text, and of its key where it is a member of an object."""

    start: int
    end: int
    key_start: int = -1
    key_end: int = -1


@dataclass(slots=True)
class Scan:
    """What the scanner found: the place of each value by JSON Pointer, and what JSON permits but documents do not."""

    places: dict[str, Place] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """The values of scalars as they were read, where the text alone does not give them (YAML)."""
    findings: list[Diagnostic] = field(default_factory=list)


class Unreadable:
    """Stands for the value of a text that has none."""


UNREADABLE: Final = Unreadable()


def read_json(text: str) -> tuple[Json | Unreadable, list[Diagnostic]]:
    """Read a document: strict JSON, every key once, numbers that 64 bits hold, at most `MAX_DEPTH` levels."""
    watch = _Watch()
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=watch.members,
            parse_constant=watch.constant,
            parse_int=watch.integer,
            parse_float=watch.double,
        )
    except RecursionError:
        return UNREADABLE, scan_json(text).findings or [too_deep(Origin(None, 0, 0))]
    except json.JSONDecodeError as error:
        start = min(error.pos + (len(text) - len(text.removeprefix("\ufeff"))), len(text))
        return UNREADABLE, [not_json(text, error.msg, start)]
    if watch.suspicious or _MAYBE_SURROGATE.search(text) or deeper_than(value, MAX_DEPTH):
        findings = scan_json(text).findings
        blocked = any(finding.code in {"nesting-too-deep", "malformed-text"} for finding in findings)
        return UNREADABLE if blocked else value, findings
    return value, []


@dataclass(slots=True)
class _Watch:
    """Hooks of `json.loads` that notice what the scanner then finds the place of."""

    suspicious: bool = False

    def members(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        table = dict(pairs)
        if len(table) != len(pairs):
            self.suspicious = True
        return table

    def constant(self, _: str) -> Json:
        self.suspicious = True
        return None

    def integer(self, digits: str) -> Json:
        value = small_int(digits)
        if value is None:
            self.suspicious = True
        return value

    def double(self, digits: str) -> Json:
        value = float(digits)
        if math.isfinite(value):
            return value
        self.suspicious = True
        return None


def small_int(digits: str) -> int | None:
    """Read an integer of 64 bits; None where it is larger (long ones are not even converted: that takes quadratic time)."""
    if len(digits) > 20:
        return None
    value = int(digits)
    return value if INT_MIN <= value <= INT_MAX else None


def deeper_than(value: Json, limit: int) -> bool:
    """Tell whether lists and objects are nested deeper than a limit, without recursion."""
    level = [value]
    for _ in range(limit):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return False
    return any(isinstance(part, dict | list) for part in level)


def _parts(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def too_deep(origin: Origin) -> Diagnostic:
    """Say that a document is nested too deeply."""
    notes = (f"Lists and objects may stand in each other up to {MAX_DEPTH} levels deep.",)
    return Diagnostic("nesting-too-deep", "the document is nested too deeply", origin, notes=notes)


def not_json(text: str, reason: str, at: int) -> Diagnostic:
    """Say where a text stops being JSON."""
    if not text.strip("\ufeff \t\r\n"):
        notes = ("The smallest document has `schemaVersion`, `name` and `inputs`.",)
        return Diagnostic("syntax-error", "the document is empty", Origin(None, 0, 0), notes=notes)
    detail = reason[:1].lower() + reason[1:]
    return Diagnostic("syntax-error", f"the document is not JSON: {detail}", Origin(None, at, min(at + 1, len(text))))


def repeated_key(key: str, second: Origin, first: Origin) -> Diagnostic:
    """Say that an object has a key twice."""
    notes = ("Readers differ in which of the two they take, so neither is taken for granted.",)
    return Diagnostic(
        "duplicate-key",
        f"the key `{shorten(key)}` stands here twice",
        second,
        notes=notes,
        related=(Related(first, "first here"),),
    )


_INT_RANGE: Final = f"An integer has 64 bits ({INT_MIN} to {INT_MAX}); anything larger can be given as a string."


def bad_number(written: str, origin: Origin) -> Diagnostic:
    """Say that a number cannot be kept exactly."""
    if written.lstrip("+-.")[:1].isalpha():
        message, note = f"`{written}` is not a JSON number", "use null, or leave the value out"
    else:
        message = f"the number `{shorten(written)}` is out of range"
        is_double = any(sign in written for sign in ".eE")
        note = "The largest double is about 1.8e308." if is_double else _INT_RANGE
    return Diagnostic("number-out-of-range", message, origin, notes=(note,))


def bad_text(origin: Origin) -> Diagnostic:
    """Say that a string is no Unicode text."""
    notes = ("Half of a surrogate pair is no character, and cannot be written as UTF-8.",)
    return Diagnostic("malformed-text", "the text contains half of a character", origin, notes=notes)


def shorten(text: str, limit: int = 60) -> str:
    """Shorten what a message quotes."""
    shown = text if is_printable(text) else ascii(text)[1:-1]
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


@dataclass(slots=True)
class _Frame:
    """An open object or list."""

    pointer: str
    start: int
    is_object: bool
    own_key: tuple[int, int]
    index: int = 0
    key: str | None = None
    key_at: tuple[int, int] = (-1, -1)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)


def scan_json(text: str) -> Scan:
    """Find the place of every value; stops where the text stops being JSON, or is nested too deeply."""
    scan = Scan()
    stack: list[_Frame] = []
    at = 1 if text.startswith("\ufeff") else 0
    while (match := _TOKEN.match(text, at)) is not None:
        at = match.end()
        start, end = match.span(match.lastgroup or 0)
        lexeme = text[start:end]
        frame = stack[-1] if stack else None
        if lexeme in {",", ":"}:
            continue
        if lexeme in {"}", "]"}:
            if frame is None:
                break
            stack.pop()
            scan.places[frame.pointer] = Place(frame.start, end, *frame.own_key)
            continue
        if frame is not None and frame.is_object and frame.key is None:
            _take_key(scan, frame, lexeme, (start, end))
            continue
        pointer, own_key = _enter(frame)
        if lexeme in {"{", "["}:
            if len(stack) >= MAX_DEPTH:
                scan.findings.append(too_deep(Origin(None, start, end)))
                break
            stack.append(_Frame(pointer, start, lexeme.startswith("{"), own_key))
            continue
        scan.places[pointer] = Place(start, end, *own_key)
        _check_scalar(scan, lexeme, (start, end))
    return scan


def _take_key(scan: Scan, frame: _Frame, token: str, at: tuple[int, int]) -> None:
    key = unquote(token)
    if _SURROGATE.search(key):
        scan.findings.append(bad_text(Origin(None, *at)))
    if key in frame.seen:
        scan.findings.append(repeated_key(key, Origin(None, *at), Origin(None, *frame.seen[key])))
    frame.seen.setdefault(key, at)
    frame.key, frame.key_at = key, at


def _enter(frame: _Frame | None) -> tuple[str, tuple[int, int]]:
    """Give the next value its pointer and the place of its key."""
    if frame is None:
        return "", (-1, -1)
    if not frame.is_object:
        frame.index += 1
        return f"{frame.pointer}/{frame.index - 1}", (-1, -1)
    pointer = f"{frame.pointer}/{escape(frame.key or '')}"
    frame.key = None
    return pointer, frame.key_at


def _check_scalar(scan: Scan, token: str, at: tuple[int, int]) -> None:
    if token[0] == '"':
        if _MAYBE_SURROGATE.search(token) and _SURROGATE.search(unquote(token)):
            scan.findings.append(bad_text(Origin(None, *at)))
    elif token.endswith(("NaN", "Infinity")) or _out_of_range(token):
        scan.findings.append(bad_number(token, Origin(None, *at)))


def _out_of_range(token: str) -> bool:
    if token in {"true", "false", "null"}:
        return False
    if token.lstrip("-").isdigit():
        return small_int(token) is None
    return not math.isfinite(float(token))


def escape(key: str) -> str:
    """Write a key as a step of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def unquote(token: str) -> str:
    """Read a JSON string with its quotes; a broken one gives what stands between them."""
    if "\\" not in token:
        return token[1:-1]
    try:
        return str(json.loads(token))
    except ValueError:
        return token[1:-1]


def inner_offsets(text: str, start: int, end: int) -> list[int]:
    """Map each character of the string literal at `start` to its offset in the text; one entry more for its end."""
    offsets: list[int] = []
    at = start + 1
    while at < end - 1:
        offsets.append(at)
        if text[at] != "\\":
            at += 1
        elif text[at + 1] != "u":
            at += 2
        elif re.match(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]", text[at : at + 12]):
            at += 12
        else:
            at += 6
    offsets.append(end - 1)
    return offsets
