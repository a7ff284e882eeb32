"""From places as the compiler keeps them to lines and columns, computed only when they are asked for."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.frontend.document import jsontext, yamltext
from saltern_compiler.frontend.document.jsontext import Place, Scan

YAML_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two characters; lines and columns count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Range:
    """From a position up to, and without, another."""

    start: Position
    end: Position


class Locator:
    """Turns origins into ranges of one source text.

    A pointer to a value that is not there gives the nearest value around it; offsets outside of a string give the string.
    """

    def __init__(self, text: str, source_name: str) -> None:
        self._text = text
        self._is_yaml = source_name.lower().endswith(YAML_SUFFIXES)

    def range(self, origin: Origin) -> Range:
        """Return the range of an origin, in lines and columns."""
        start, end = self.offsets(origin)
        return Range(self._position(start), self._position(end))

    def offsets(self, origin: Origin) -> tuple[int, int]:
        """Return the range of an origin, in characters of the text."""
        size = len(self._text)
        if origin.pointer is None:
            start = min(max(origin.start or 0, 0), size)
            end = min(size if origin.end is None else origin.end, size)
            return (0, 0) if origin.start is None else (start, max(start, end))
        place = self._nearest(origin.pointer)
        if place is None:
            return 0, 0
        if origin.key and origin.pointer in self._scan.places and place.key_start >= 0:
            return place.key_start, place.key_end
        if origin.start is None or origin.end is None or origin.start == origin.end == 0:
            return place.start, place.end
        return self._inside(origin.pointer, place, origin.start, origin.end)

    @cached_property
    def _scan(self) -> Scan:
        return yamltext.scan_yaml(self._text) if self._is_yaml else jsontext.scan_json(self._text)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        at = self._text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self._text.find("\n", at + 1)
        return starts

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def _nearest(self, pointer: str) -> Place | None:
        while pointer not in self._scan.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self._scan.places.get(pointer)

    def _inside(self, pointer: str, place: Place, start: int, end: int) -> tuple[int, int]:
        """Find characters of a string's value in the text, through its escapes."""
        offsets: list[int] | None = None
        if self._is_yaml and pointer in self._scan.texts:
            offsets = yamltext.inner_offsets(self._text, place.start, place.end, self._scan.texts[pointer])
        elif not self._is_yaml and self._text.startswith('"', place.start):
            offsets = jsontext.inner_offsets(self._text, place.start, place.end)
        if offsets is None or not 0 <= start <= end < len(offsets):
            return place.start, place.end
        return offsets[start], offsets[end]
