"""YAML text to the same values that JSON has, and to the places of its values.

Scalars follow the core schema of YAML 1.2: no dates, no sexagesimal numbers, `yes` and `no` are text. Keys are always text.
Aliases, tags, second documents and keys that are no scalars are refused: they have no counterpart in the JSON form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any, Final

import yaml

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.frontend.document.jsontext import (
    MAX_DEPTH,
    UNREADABLE,
    Place,
    Scan,
    Unreadable,
    bad_number,
    bad_text,
    escape,
    repeated_key,
    small_int,
    too_deep,
)
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser where PyYAML was built with it
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)
_NO_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final[dict[str, Json]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def read_yaml(text: str) -> tuple[Json | Unreadable, list[Diagnostic]]:
    """Read a document: every key once, numbers that 64 bits hold, at most `MAX_DEPTH` levels, no aliases, no tags."""
    reader = _Reader()
    value = reader.read(text)
    return value, reader.scan.findings


def scan_yaml(text: str) -> Scan:
    """Find the place of every value, as far as the text can be read."""
    reader = _Reader(keep_places=True)
    reader.read(text)
    return reader.scan


class _StopError(Exception):
    """The rest of the text is not worth reading."""


@dataclass(slots=True)
class _Frame:
    """An open mapping or sequence."""

    container: Json
    pointer: str
    start: int
    own_key: tuple[int, int]
    flow: bool
    end: int = -1
    key: str | None = None
    key_at: tuple[int, int] = (-1, -1)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    keep_places: bool = False
    scan: Scan = field(default_factory=Scan)
    stack: list[_Frame] = field(default_factory=list)
    root: Json | Unreadable = UNREADABLE

    def read(self, text: str) -> Json | Unreadable:
        if (broken := _SURROGATE.search(text)) is not None:
            self.scan.findings.append(bad_text(Origin(None, *broken.span())))
            return UNREADABLE
        try:
            self._read(yaml.parse(text, Loader=_LOADER))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = min(mark.index if mark else 0, len(text))
            self._refuse("syntax-error", f"the document is not YAML: {error.problem or error.context}", at, at + 1)
            return UNREADABLE
        except yaml.YAMLError as error:
            at = int(getattr(error, "position", 0) or 0)
            self._refuse("syntax-error", "the document is not YAML: it contains a control character", at, at + 1)
            return UNREADABLE
        except _StopError:
            return UNREADABLE
        if isinstance(self.root, Unreadable):
            notes = ("The smallest document has `schemaVersion`, `name` and `inputs`.",)
            self._refuse("syntax-error", "the document is empty", 0, 0, *notes)
        return self.root

    def _read(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
            elif isinstance(event, yaml.AliasEvent):
                self._refuse_feature(f"the alias `*{event.anchor}`", event, "Write the value out.")
                self._value(None, event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse_feature("a second document", event, "One file holds one pipeline.")
                    raise _StopError

    def _refuse_tag(self, event: Any) -> None:
        self._refuse_feature(f"the tag `{event.tag}`", event, "Values are what JSON has, written as they are.")

    def _refuse_feature(self, what: str, event: Any, remedy: str) -> None:
        note = "Aliases, tags and further documents have no counterpart in the JSON form of a pipeline."
        at = (event.start_mark.index, event.end_mark.index)
        self._refuse("yaml-feature-not-allowed", f"{what} is not allowed in a pipeline", *at, note, remedy)

    def _refuse(self, code: str, message: str, start: int, end: int, *notes: str) -> None:
        self.scan.findings.append(Diagnostic(code, message, Origin(None, start, end), notes=notes))

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if event.style == '"' and _SURROGATE.search(event.value):
            self.scan.findings.append(bad_text(Origin(None, event.start_mark.index, event.end_mark.index)))
            raise _StopError
        if self._takes_key():
            self._key(event.value, event)
        elif not event.style:
            self._value(self._resolve(event.value, event), event)
        else:
            self._value(event.value, event)

    def _resolve(self, text: str, event: Any) -> Json:
        if text in _WORDS:
            return _WORDS[text]
        value: int | float | None
        if _INT.fullmatch(text):
            value = small_int(text) if text[:2] not in {"0o", "0x"} else _based(text)
        elif _FLOAT.fullmatch(text):
            value = float(text) if math.isfinite(float(text)) else None
        elif _NO_NUMBER.fullmatch(text):
            value = None
        else:
            return text
        if value is None:
            at = Origin(None, event.start_mark.index, event.end_mark.index)
            self.scan.findings.append(bad_number(text, at))
        return value

    def _takes_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].container, dict) and self.stack[-1].key is None

    def _key(self, key: str, event: Any) -> None:
        frame = self.stack[-1]
        at = (event.start_mark.index, event.end_mark.index)
        if key in frame.seen:
            self.scan.findings.append(repeated_key(key, Origin(None, *at), Origin(None, *frame.seen[key])))
        frame.seen.setdefault(key, at)
        frame.key, frame.key_at = key, at

    def _value(self, value: Json, event: Any) -> None:
        if self._takes_key():
            self._key("", event)
            return
        pointer, own_key = self._enter(value)
        if self.keep_places:
            self.scan.places[pointer] = Place(event.start_mark.index, event.end_mark.index, *own_key)
            self.scan.texts[pointer] = getattr(event, "value", "")
        if self.stack:
            self.stack[-1].end = event.end_mark.index

    def _enter(self, value: Json) -> tuple[str, tuple[int, int]]:
        """Put a value where it belongs; return its pointer and the place of its key."""
        if not self.stack:
            self.root = value
            return "", (-1, -1)
        frame = self.stack[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return f"{frame.pointer}/{len(frame.container) - 1}" if self.keep_places else "", (-1, -1)
        key, frame.key = frame.key or "", None
        frame.container[key] = value
        return f"{frame.pointer}/{escape(key)}" if self.keep_places else "", frame.key_at

    def _open(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        start = event.start_mark.index
        if self._takes_key():
            self._refuse_feature("a key that is a list or a mapping", event, "Keys are text.")
            raise _StopError
        if len(self.stack) >= MAX_DEPTH:
            self.scan.findings.append(too_deep(Origin(None, start, start + 1)))
            raise _StopError
        container: Json = {} if isinstance(event, yaml.MappingStartEvent) else []
        pointer, own_key = self._enter(container)
        self.stack.append(_Frame(container, pointer, start, own_key, bool(event.flow_style), start))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        end = event.end_mark.index if frame.flow else frame.end
        if self.keep_places:
            self.scan.places[frame.pointer] = Place(frame.start, end, *frame.own_key)
        if self.stack:
            self.stack[-1].end = end


def _based(text: str) -> int | None:
    if len(text) > 30:
        return None
    return small_int(str(int(text, 0)))


def inner_offsets(text: str, start: int, end: int, value: str) -> list[int] | None:
    """Map each character of a scalar's value to its offset in the text, one entry more for its end; None where that fails."""
    match text[start : start + 1]:
        case '"':
            offsets = _folded(text, start + 1, end - 1, value, _double_quoted)
        case "'":
            offsets = _folded(text, start + 1, end - 1, value, _single_quoted)
        case "|" | ">":
            offsets = _block(text, start, end, value)
        case _:
            offsets = _folded(text, start, end, value, _plain)
    return offsets if offsets is not None and len(offsets) == len(value) + 1 else None


def _plain(_: str, at: int) -> int:
    return at + 1


def _single_quoted(text: str, at: int) -> int:
    return at + 2 if text[at] == "'" else at + 1


def _double_quoted(text: str, at: int) -> int:
    if text[at] != "\\":
        return at + 1
    return at + 2 + {"x": 2, "u": 4, "U": 8}.get(text[at + 1], 0)


_FOLD: Final = re.compile(r"[ \t]*(?:\r?\n[ \t]*)+")


def _folded(text: str, at: int, end: int, value: str, step: Any) -> list[int] | None:
    """Walk a scalar whose line breaks are folded: one break is a space, each further one a line end."""
    offsets: list[int] = []
    while at < end and len(offsets) <= len(value):
        fold = _FOLD.match(text, at)
        if fold is not None:
            breaks = fold.group().count("\n")
            offsets.extend([at] * max(breaks - 1, 1))
            at = fold.end()
            continue
        if text.startswith("\\\n", at):
            at = _FOLD.match(text, at + 1).end()  # type: ignore[union-attr]  # a line end matches always
            continue
        offsets.append(at)
        at = step(text, at)
    offsets.append(end)
    return offsets


def _block(text: str, start: int, end: int, value: str) -> list[int] | None:
    """Walk a literal block by lines; a folded one is walked in the same way as far as its lines are not joined."""
    header_end = text.find("\n", start, end)
    if header_end < 0:
        return None
    lines = text[header_end + 1 : end].split("\n")
    wanted = value.split("\n")
    first = next((place for place, line in enumerate(wanted) if line), None)
    if first is None or first >= len(lines):
        return None
    indent = len(lines[first].rstrip("\r")) - len(wanted[first])
    offsets: list[int] = []
    at = header_end + 1
    for place, line in enumerate(wanted):
        if place >= len(lines) or lines[place][indent:].rstrip("\r") != line:
            return offsets if place >= len(lines) and not line else None
        offsets.extend(range(at + indent, at + indent + len(line) + 1))
        at += len(lines[place]) + 1
    return offsets
