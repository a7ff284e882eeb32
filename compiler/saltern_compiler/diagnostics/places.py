"""From offsets to lines and columns, and what those look like on a terminal."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, Protocol

from saltern_compiler.characters import columns, is_printable
from saltern_compiler.diagnostics.model import Origin
from saltern_runtime.dataclass import dataclass

TAB: Final = 4


class Places(Protocol):
    """What finds the characters of a text that an origin means; `frontend.locate.Locator` does so for every notation."""

    def offsets(self, origin: Origin) -> tuple[int, int]:
        """Return the range of an origin, in characters of the text."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class LineColumn:
    """A place between two characters; both count from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        """`line:column`."""
        return f"{self.line}:{self.column}"


START: Final = LineColumn(1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters of a text, as offsets and as lines and columns."""

    start: int
    end: int
    first: LineColumn
    last: LineColumn


class Source:
    """A text in which places are looked up."""

    def __init__(self, text: str, locator: Places | None = None) -> None:
        self.text = text
        self._locator = locator
        self._starts: list[int] | None = None

    def span(self, origin: Origin) -> Span | None:
        """Return where an origin is; None for one that is nowhere, or that only a locator could find."""
        offsets = self._offsets(origin)
        if offsets is None:
            return None
        start, end = offsets
        return Span(start, end, self.position(start), self.position(end))

    def _offsets(self, origin: Origin) -> tuple[int, int] | None:
        if origin.pointer is None and origin.start is None:
            return None
        if self._locator is not None:
            return self._locator.offsets(origin)
        if origin.pointer is not None or origin.start is None:
            return None
        size = len(self.text)
        start = min(max(origin.start, 0), size)
        return start, max(start, min(size if origin.end is None else origin.end, size))

    def position(self, offset: int) -> LineColumn:
        """Return line and column of an offset."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return LineColumn(line, offset - starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its end."""
        starts = self._line_starts()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].removesuffix("\r")

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                self._starts.append(at + 1)
                at = self.text.find("\n", at + 1)
        return self._starts


def visible(text: str) -> str:
    """Show what a terminal would act on, or hide: control and format characters, bidirectional ones among them."""
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char == "\t":
        return " " * TAB
    if is_printable(char):
        return char
    return f"<U+{ord(char):04X}>"


def width(text: str) -> int:
    """Count the columns that a text takes on a terminal, of characters that are visible."""
    return sum(columns(char) for char in text)
