"""Lays documents out in lines: a small pretty printer with the groups that ruff's formatter has, so that both agree.

After Philip Wadler, "A prettier printer" (2003), with groups that may stay open on purpose (`FitsExpanded`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

LINE_LENGTH: Final = 100
"""Columns of generated Python; the generated pyproject.toml tells ruff the same."""
INDENT: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line break where its group breaks; else the text `flat`."""

    flat: str = " "
    hard: bool = False


SOFT: Final = Line("")
SPACE: Final = Line(" ")
HARD: Final = Line("", hard=True)


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


Doc: TypeAlias = "str | tuple[Doc, ...] | Line | Indent | Group | IfBreaks | FitsExpanded | BestFit"


@dataclass(frozen=True, slots=True)
class _Frame:
    doc: Doc
    flat: bool
    indent: int
    all_lines: bool = False
    """Measure on after a line break, instead of being content with the first line."""
    may_overflow: bool = False
    """Only what stands before and after has to fit."""


def lay_out(doc: Doc, *, indent: int = 0, width: int = LINE_LENGTH) -> str:
    """Print a document whose first line begins at column `indent`; later lines are indented from there."""
    return _Printer(width).print(doc, indent)


class _Printer:
    def __init__(self, width: int) -> None:
        self.width = width
        self.out: list[str] = []
        self.column = 0
        self.flat_groups: dict[int, bool] = {}

    def print(self, doc: Doc, indent: int) -> str:
        self.column = indent
        stack = [_Frame(doc, flat=False, indent=indent)]
        while stack:
            frame = stack.pop()
            self._step(frame, stack)
        return "".join(self.out)

    def _step(self, frame: _Frame, stack: list[_Frame]) -> None:
        match frame.doc:
            case str() as text:
                self._text(text)
            case tuple() as parts:
                stack.extend(_Frame(part, frame.flat, frame.indent) for part in reversed(parts))
            case Line(flat=flat, hard=hard):
                if frame.flat and not hard:
                    self._text(flat)
                else:
                    self.out.append("\n" + " " * frame.indent)
                    self.column = frame.indent
            case Indent(body=body, group=group):
                deeper = group is None or not self.flat_groups[group]
                stack.append(_Frame(body, frame.flat, frame.indent + INDENT * deeper))
            case IfBreaks(breaks=breaks, flat=flat_doc, group=group):
                is_flat = frame.flat if group is None else self.flat_groups[group]
                stack.append(_Frame(flat_doc if is_flat else breaks, frame.flat, frame.indent))
            case FitsExpanded(body=body, group=group):
                stack.append(_Frame(body, frame.flat and not self.flat_groups[group], frame.indent))
            case BestFit(body=body):
                self._best_fit(body, frame, stack)
            case Group():
                self._group(frame.doc, frame, stack)

    def _text(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def _group(self, group: Group, frame: _Frame, stack: list[_Frame]) -> None:
        if group.only_if is not None and self.flat_groups[group.only_if]:
            stack.append(_Frame(group.body, frame.flat, frame.indent))
            return
        flat = frame.flat
        if not flat and not group.broken:
            flat = self._fits(_Frame(group, flat=True, indent=frame.indent), stack)
        if group.name is not None:
            self.flat_groups[group.name] = flat
        stack.append(_Frame(group.body, flat, frame.indent))

    def _best_fit(self, body: Doc, frame: _Frame, stack: list[_Frame]) -> None:
        inner = frame.indent + INDENT
        closed = (Indent((HARD, body)), HARD, ")")
        if frame.flat or self._fits(_Frame(body, flat=True, indent=frame.indent), stack):
            stack.append(_Frame(body, flat=True, indent=frame.indent))
        elif self._fits(_Frame(("(", *closed), flat=False, indent=frame.indent, all_lines=True), stack):
            stack.append(_Frame(")", flat=False, indent=frame.indent))
            stack.append(_Frame(HARD, flat=False, indent=frame.indent))
            stack.append(_Frame((HARD, body), flat=False, indent=inner))
            self._text("(")
        else:
            stack.append(_Frame(body, flat=True, indent=frame.indent))

    def _fits(self, first: _Frame, rest: Sequence[_Frame]) -> bool:  # noqa: C901 - one flat loop over kinds of documents
        """Measure up to the end of the line on which `first` ends (every line of it, where `all_lines` is set)."""
        column = self.column
        stack = [first]
        position = len(rest)
        while True:
            if not stack:
                if position == 0:
                    return True
                position -= 1
                stack.append(rest[position])
            frame = stack.pop()
            match frame.doc:
                case str() as text:
                    column += len(text)
                    if column > self.width and not frame.may_overflow:
                        return False
                case Line(flat=flat, hard=hard):
                    if not frame.flat or hard:
                        if not frame.all_lines:
                            return True
                        column = frame.indent
                    else:
                        column += len(flat)
                        if column > self.width:
                            return False
                case _:
                    parts = self._measured(frame)
                    if parts is None:
                        return False
                    stack.extend(parts)

    def _measured(self, frame: _Frame) -> list[_Frame] | None:  # noqa: C901 - one flat table of kinds of documents
        """Return the parts of a document to measure, last first; None where it cannot be flat."""
        match frame.doc:
            case tuple() as parts:
                return [replace(frame, doc=part) for part in reversed(parts)]
            case Indent(body=body, group=group):
                deeper = group is None or not self.flat_groups[group]
                return [replace(frame, doc=body, indent=frame.indent + INDENT * deeper)]
            case IfBreaks(breaks=breaks, flat=flat_doc, group=group):
                is_flat = frame.flat if group is None else self.flat_groups[group]
                return [replace(frame, doc=flat_doc if is_flat else breaks)]
            case FitsExpanded(body=body, group=group):
                if frame.flat and self.flat_groups[group]:
                    return [replace(frame, doc=body, flat=False, all_lines=True, may_overflow=True)]
                return [replace(frame, doc=body)]
            case BestFit(body=body):
                return [replace(frame, doc=body)]
            case Group(body=body, name=name, only_if=only_if, broken=broken):
                if only_if is None or not self.flat_groups[only_if]:
                    if frame.flat and broken:
                        return None
                    if name is not None:
                        self.flat_groups[name] = frame.flat
                return [replace(frame, doc=body)]
        raise AssertionError(frame.doc)
