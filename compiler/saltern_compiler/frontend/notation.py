"""What a notation is: how a pipeline is written. The table of all stands in `notations`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Protocol, TypeAlias

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.frontend.moves import Move, Renewed, Replaced
from saltern_compiler.frontend.remarks import Orders, Remark
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass

Reading: TypeAlias = tuple[Pipeline | None, list[Diagnostic]]
Locate: TypeAlias = Callable[[Origin], tuple[int, int]]
"""From an origin to the characters of the text that it means."""


class Layout(Protocol):
    """Where things stand, for a notation whose texts have no places."""

    def text(self) -> str:
        """Write the file that lies beside the text."""
        ...


class LayoutError(Exception):
    """A layout file is none."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What an author says beside the meaning: remarks, the order of keys, a layout."""

    remarks: Sequence[Remark] = ()
    orders: Orders = field(default_factory=dict)
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Directive:
    """A line that an author wrote for the checks, such as `saltern: allow glued-text because …`."""

    text: str
    anchor: str
    """What it is about, as remarks have it."""
    part: str
    """The parameter, field or handle of that; empty for the whole."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Directives:
    """All of a text, and a function that tells what an origin is about: anchor and part."""

    lines: Sequence[Directive]
    about: Callable[[Origin], tuple[str, str]]


class UnwritableError(Exception):
    """A notation cannot say a pipeline: one with mistakes that no reader finds, but a check does."""


@dataclass(frozen=True, slots=True)
class Notation:
    """One way of writing pipelines; its functions are pure, and import their part when they are called."""

    name: str
    suffixes: tuple[str, ...]
    """Of files, the usual one first; in lower case."""
    sniff: Callable[[str], bool]
    """Whether a text looks like this notation: asked where a text has no name, or where several have its suffix."""
    read: Callable[[str, Registry], Reading]
    """Returns None where nothing can be checked further, with the reason among the findings."""
    locate: Callable[[str], Locate]
    aside: Callable[[str, Registry], Aside] | None = None
    """Takes a text that `read` finds nothing wrong with; None: nothing stands beside the meaning."""
    print: Callable[[Pipeline, Aside, Registry], str] | None = None
    """Raises `UnwritableError`; None: this notation is only read."""
    directives: Callable[[str, Registry], Directives | None] | None = None
    """Takes a text that `read` finds no error in, and returns None where it surely has none; None: the notation has no room for any."""
    read_layout: Callable[[str], Layout] | None = None
    """For a notation that is placed on a canvas: reads the file that `Layout.text` wrote; raises `LayoutError`."""
    format: Callable[[str], tuple[str | None, list[Diagnostic]]] | None = None
    """Gives a text the one look of its notation, or the reasons why it cannot be read; None: there is no such look."""
    move: Callable[[str, Sequence[Move]], Sequence[Replaced]] | None = None
    """Says what to replace in a text, which `read` finds no broken syntax in, so that nodes are of other versions; None: nothing can be."""
    renew: Callable[[str, int | None], Renewed | None] | None = None
    """Brings the shape of a text one version on, towards a version or the newest one; None where it is there. None: its shape has no versions."""


def by_offsets(text: str) -> Locate:
    """Locate in a notation whose origins are offsets of the text already."""
    size = len(text)

    def locate(origin: Origin) -> tuple[int, int]:
        if origin.pointer is not None or origin.start is None:
            return 0, 0
        start = min(max(origin.start, 0), size)
        return start, max(start, min(size if origin.end is None else origin.end, size))

    return locate
