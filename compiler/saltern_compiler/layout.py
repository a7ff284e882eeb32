"""Lays documents out in lines: text, line breaks and groups (Oppen 1980, Wadler 2003), printed without recursion.

The formatter of the language and the writer of Python stand on it. Groups may stay open on purpose (`FitsExpanded`), as those of
ruff's formatter do, so that both leave Python alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line break where its group breaks, else the text `flat`. A `blank` one leaves an empty line before it."""

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
class Indent:
    """Indents the lines that begin inside; with `group`, only where that group breaks."""

    body: Doc
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Breaks all of its lines or none. `only_if`: a group only where that other group breaks, else part of its parent."""

    body: Doc
    name: int | None = None
    only_if: int | None = None
    broken: bool = False
    """Breaks even where it would fit; what holds it breaks too."""


@dataclass(frozen=True, slots=True)
class IfBreaks:
    """One of two documents, by whether a group breaks (the innermost one, where none is named)."""

    breaks: Doc
    flat: Doc = ""
    group: int | None = None


@dataclass(frozen=True, slots=True)
class FitsExpanded:
    """While the group is being measured as flat, this part counts as fitting when it fits broken into lines."""

    body: Doc
    group: int


@dataclass(frozen=True, slots=True)
class BestFit:
    """Something without breaks: put in parentheses on a line of its own if that makes it fit, else left as it is."""

    body: Doc


Doc: TypeAlias = (
    "str | tuple[Doc, ...] | Line | Fresh | Suffix | Raw | Indent | Group | IfBreaks | FitsExpanded | BestFit"
)

LINE: Final = Line()
SOFT: Final = Line("")
HARD: Final = Line(hard=True)
BLANK: Final = Line(hard=True, blank=True)

_Frame: TypeAlias = tuple[Doc, bool, int]
"""A document, whether its lines are flat, and the column at which they begin."""
_Measured: TypeAlias = tuple[Doc, bool, int, bool, bool]
"""A frame; whether to measure on after a line break; whether only what stands before and after has to fit."""


def join(docs: Iterable[Doc], separator: Doc) -> Doc:
    """Put a separator between documents."""
    parts: list[Doc] = []
    for doc in docs:
        if parts:
            parts.append(separator)
        parts.append(doc)
    return tuple(parts)


def breaks(doc: Doc) -> bool:
    """Tell whether a line must break in a document, whatever the width."""
    waiting = [doc]
    while waiting:
        match waiting.pop():
            case Fresh() | Suffix() | Line(hard=True) | Group(broken=True):
                return True
            case Raw(lines=lines) if len(lines) > 1:
                return True
            case tuple() as parts:
                waiting.extend(parts)
            case Indent(body=body) | Group(body=body):
                waiting.append(body)
            case _:
                pass
    return False


def lay_out(doc: Doc, *, width: int, step: int, indent: int = 0) -> str:
    """Print a document, without a line end after it: lines of `width` columns, indented in steps of `step`.

    The first line begins at column `indent`; later ones are indented from there.
    """
    return _Printer(width, step).print(doc, indent)


class _Printer:
    def __init__(self, width: int, step: int) -> None:
        self.width = width
        self.step = step
        self.out: list[str] = []
        self.column = 0
        self.suffixes: list[str] = []
        self.is_empty = True
        self.flat_groups: dict[int, bool] = {}

    def print(self, doc: Doc, indent: int) -> str:
        self.column = indent
        stack: list[_Frame] = [(doc, False, indent)]
        while stack:
            self._step(stack.pop(), stack)
        self._newline(0)
        return "".join(self.out).strip("\n")

    def _step(self, frame: _Frame, stack: list[_Frame]) -> None:  # noqa: C901, PLR0912 - one flat table of kinds of documents
        doc, flat, indent = frame
        match doc:
            case str():
                self._text(doc)
            case tuple():
                stack.extend([(part, flat, indent) for part in reversed(doc)])
            case Line():
                if flat and not doc.hard:
                    self._text(doc.flat)
                else:
                    self._newline(indent, blank=doc.blank)
            case Group():
                self._group(doc, flat, indent, stack)
            case Indent():
                stack.append((doc.body, flat, self._deeper(doc, indent)))
            case IfBreaks():
                stack.append((self._chosen(doc, flat=flat), flat, indent))
            case FitsExpanded():
                stack.append((doc.body, flat and not self.flat_groups[doc.group], indent))
            case BestFit():
                self._best_fit(doc.body, flat, indent, stack)
            case Fresh():
                if not self.is_empty or self.suffixes:
                    self._newline(indent)
            case Suffix():
                self.suffixes.append(doc.text)
            case Raw():
                self._raw(doc.lines, indent if doc.indented else 0)

    def _text(self, text: str) -> None:
        if not text:
            return
        self.out.append(text)
        self.column += len(text)
        self.is_empty = self.is_empty and text.isspace()

    def _newline(self, indent: int, *, blank: bool = False) -> None:
        for text in self.suffixes:
            self._text(text if self.is_empty else "  " + text)
        self.suffixes.clear()
        while self.out and self.out[-1].isspace() and "\n" not in self.out[-1]:
            self.out.pop()
        if self.out and not self.out[-1].endswith("\n"):
            self.out[-1] = self.out[-1].rstrip(" ")
        self.out.append("\n\n" if blank else "\n")
        if indent:
            self.out.append(" " * indent)
        self.column = indent
        self.is_empty = True

    def _raw(self, lines: Sequence[str], indent: int) -> None:
        self._text(lines[0])
        for line in lines[1:]:
            shown = " " * indent + line if line else ""
            self.out.append("\n" + shown)
            self.column = len(shown)
            self.is_empty = False

    def _deeper(self, doc: Indent, indent: int) -> int:
        return indent if doc.group is not None and self.flat_groups[doc.group] else indent + self.step

    def _chosen(self, doc: IfBreaks, *, flat: bool) -> Doc:
        return doc.flat if (flat if doc.group is None else self.flat_groups[doc.group]) else doc.breaks

    def _group(self, group: Group, flat: bool, indent: int, stack: list[_Frame]) -> None:
        if group.only_if is None or not self.flat_groups[group.only_if]:
            if not flat and not group.broken:
                flat = self._fits((group, True, indent, False, False), stack)
            if group.name is not None:
                self.flat_groups[group.name] = flat
        stack.append((group.body, flat, indent))

    def _best_fit(self, body: Doc, flat: bool, indent: int, stack: list[_Frame]) -> None:
        in_parentheses = ("(", Indent((HARD, body)), HARD, ")")
        stays = flat or self._fits((body, True, indent, False, False), stack)
        if stays or not self._fits((in_parentheses, False, indent, True, False), stack):
            stack.append((body, True, indent))
        else:
            stack.append((in_parentheses, False, indent))

    def _fits(self, first: _Measured, rest: Sequence[_Frame]) -> bool:  # noqa: C901, PLR0912 - one loop over kinds of documents
        """Measure up to the end of the line on which `first` ends (every line of it, where it says so)."""
        column = self.column
        stack: list[_Measured] = [first]
        position = len(rest)
        while True:
            if not stack:
                if position == 0:
                    return True
                position -= 1
                stack.append((*rest[position], False, False))
            doc, flat, indent, all_lines, may_overflow = stack.pop()
            match doc:
                case str():
                    column += len(doc)
                    if column > self.width and not may_overflow:
                        return False
                case tuple():
                    stack.extend([(part, flat, indent, all_lines, may_overflow) for part in reversed(doc)])
                case Line():
                    if flat and doc.hard:
                        return False
                    if flat:
                        column += len(doc.flat)
                        if column > self.width:
                            return False
                    elif not all_lines:
                        return True
                    else:
                        column = indent
                case Fresh() | Suffix():
                    return not flat
                case Raw():
                    column += len(doc.lines[0])
                    if column > self.width or (flat and len(doc.lines) > 1):
                        return False
                    if len(doc.lines) > 1:
                        return True
                case FitsExpanded() if flat and self.flat_groups[doc.group]:
                    stack.append((doc.body, False, indent, True, True))
                case _:
                    part = self._measured(doc, flat, indent)
                    if part is None:
                        return False
                    stack.append((*part, all_lines, may_overflow))

    def _measured(
        self, doc: Group | Indent | IfBreaks | FitsExpanded | BestFit, flat: bool, indent: int
    ) -> _Frame | None:
        """Return the part of a document to measure; None where it cannot be flat."""
        match doc:
            case Group():
                if doc.only_if is None or not self.flat_groups[doc.only_if]:
                    if flat and doc.broken:
                        return None
                    if doc.name is not None:
                        self.flat_groups[doc.name] = flat
                return doc.body, flat, indent
            case Indent():
                return doc.body, flat, self._deeper(doc, indent)
            case IfBreaks():
                return self._chosen(doc, flat=flat), flat, indent
            case FitsExpanded() | BestFit():
                return doc.body, flat, indent
