"""Lays text out in a width: documents of text, line breaks and groups (Oppen 1980, Wadler 2003), printed without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

WIDTH: Final = 100
INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line break; in a group that fits on its line, `flat`. A `blank` one leaves an empty line before it."""

    flat: str = " "
    hard: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Fresh:
    """A line break unless the line is still empty."""


@dataclass(frozen=True, slots=True)
class Suffix:
    """Text that moves to the end of its line: a comment."""

    text: str


@dataclass(frozen=True, slots=True)
class Raw:
    """Lines that stand as they are, indented by what is around them if `indented`."""

    lines: tuple[str, ...]
    indented: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One document in a group that breaks, another in one that does not."""

    broken: Doc
    flat: Doc


@dataclass(frozen=True, slots=True)
class Indent:
    """A document whose line breaks go one step to the right."""

    inner: Doc


@dataclass(frozen=True, slots=True)
class Many:
    """Documents one after another; `breaks` if a line must break in them."""

    parts: tuple[Doc, ...]
    breaks: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Stands on one line, or breaks all its lines."""

    inner: Doc
    breaks: bool


Doc: TypeAlias = str | Line | Fresh | Suffix | Raw | Choice | Indent | Many | Group

LINE: Final = Line()
SOFT: Final = Line("")
HARD: Final = Line(hard=True)
BLANK: Final = Line(hard=True, blank=True)


def breaks(doc: Doc) -> bool:
    """Tell whether a line must break in a document, whatever the width."""
    match doc:
        case Line(hard=hard):
            return hard
        case Fresh() | Suffix():
            return True
        case Raw(lines=lines):
            return len(lines) > 1
        case Indent(inner=inner):
            return breaks(inner)
        case Many(breaks=known) | Group(breaks=known):
            return known
        case _:
            return False


def many(*parts: Doc) -> Doc:
    """Put documents after one another."""
    return Many(parts, any(breaks(part) for part in parts))


def group(*parts: Doc, force: bool = False) -> Doc:
    """Make a group, which breaks if any of its lines must."""
    inner = many(*parts)
    return Group(inner, force or breaks(inner))


def joined(parts: Iterable[Doc], *between: Doc) -> Doc:
    """Put documents after one another with others between them."""
    made: list[Doc] = []
    for part in parts:
        made += [*between, part] if made else [part]
    return many(*made)


class _Output:
    """The text so far; knows the column, and what waits for the end of the line."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.column = 0
        self.suffixes: list[str] = []
        self.is_empty = True

    def write(self, text: str) -> None:
        if not text:
            return
        self.parts.append(text)
        self.column += len(text)
        self.is_empty = self.is_empty and text.isspace()

    def newline(self, indent: int, *, blank: bool = False) -> None:
        for text in self.suffixes:
            self.write(text if self.is_empty else "  " + text)
        self.suffixes.clear()
        while self.parts and self.parts[-1].isspace() and "\n" not in self.parts[-1]:
            self.parts.pop()
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts[-1] = self.parts[-1].rstrip(" ")
        self.parts.append("\n\n" if blank else "\n")
        if indent:
            self.parts.append(" " * indent)
        self.column = indent
        self.is_empty = True


def pretty(doc: Doc, width: int = WIDTH) -> str:  # noqa: C901, PLR0912 - one case for each kind of document
    """Print a document; without a line end after it."""
    out = _Output()
    stack: list[tuple[int, bool, Doc]] = [(0, False, doc)]
    while stack:
        indent, flat, each = stack.pop()
        match each:
            case str():
                out.write(each)
            case Line(flat=text, hard=hard, blank=blank):
                if flat and not hard:
                    out.write(text)
                else:
                    out.newline(indent, blank=blank)
            case Fresh():
                if not out.is_empty or out.suffixes:
                    out.newline(indent)
            case Suffix(text=text):
                out.suffixes.append(text)
            case Raw(lines=lines, indented=indented):
                _raw(out, lines, indent if indented else 0)
            case Choice(broken=broken, flat=unbroken):
                stack.append((indent, flat, unbroken if flat else broken))
            case Indent(inner=inner):
                stack.append((indent + INDENT, flat, inner))
            case Many(parts=parts):
                stack.extend((indent, flat, part) for part in reversed(parts))
            case Group(inner=inner, breaks=must):
                fits = not must and (flat or _fits(width - out.column, inner, stack))
                stack.append((indent, fits, inner))
    out.newline(0)
    return "".join(out.parts).strip("\n")


def _raw(out: _Output, lines: Sequence[str], indent: int) -> None:
    out.write(lines[0])
    for line in lines[1:]:
        shown = " " * indent + line if line else ""
        out.parts.append("\n" + shown)
        out.column = len(shown)
        out.is_empty = False


def _fits(room: int, doc: Doc, after: Sequence[tuple[int, bool, Doc]]) -> bool:  # noqa: C901, PLR0912 - as above
    """Tell whether a document and what follows it up to the next line break have room on the line."""
    waiting: list[tuple[bool, Doc]] = [(True, doc)]
    rest = len(after)
    while room >= 0:
        if not waiting:
            if rest == 0:
                return True
            rest -= 1
            waiting.append((after[rest][1], after[rest][2]))
        flat, each = waiting.pop()
        match each:
            case str():
                room -= len(each)
            case Line(flat=text, hard=hard):
                if hard or not flat:
                    return True
                room -= len(text)
            case Fresh() | Suffix():
                return True
            case Raw(lines=lines):
                room -= len(lines[0])
                if len(lines) > 1:
                    return room >= 0
            case Choice(broken=broken, flat=unbroken):
                waiting.append((flat, unbroken if flat else broken))
            case Indent(inner=inner):
                waiting.append((flat, inner))
            case Many(parts=parts):
                waiting.extend((flat, part) for part in reversed(parts))
            case Group(inner=inner, breaks=must):
                waiting.append((flat and not must, inner))
    return False
