"""Findings about the user's source: coded, located, explained, with fixes where there are any."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from copy import copy
from dataclasses import InitVar, field, replace

from saltern_compiler.diagnostics.codes import CODES
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.codes import Code, Severity


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the source something came from; cheap to make, turned into line and column only when shown.

    Editor documents: `pointer` is an RFC 6901 JSON Pointer; `start` and `end` are then character offsets inside the string
    that stands there (None: the whole value); with `key` the name of that member is meant, not its value. Language text:
    `pointer` is None and the offsets count from the file's start.
    """

    pointer: str | None = None
    start: int | None = None
    end: int | None = None
    key: bool = False

    def name(self) -> Origin:
        """Return the place of the key under which this value stands; in language text, the same place."""
        return self if self.pointer is None else Origin(self.pointer, key=True)

    def child(self, *keys: str | int) -> Origin:
        """Return the place of a part of this value; in language text, the same place."""
        if self.pointer is None:
            return self
        steps = "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)
        return Origin(self.pointer + steps)

    def within(self, start: int, end: int) -> Origin:
        """Return the place of characters `start` to `end` of the text at this place (offsets count from its own start)."""
        base = self.start or 0
        return replace(self, start=base + start, end=base + end)


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what stands at a place by a text of the source's own notation."""

    origin: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends a finding, applied by an editor or `saltern check --fix`."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that belongs to a finding."""

    origin: Origin
    message: str


@dataclasses.dataclass(frozen=True, slots=True)  # noqa: TID251 - `declared` is an InitVar, which ours does not know
class Diagnostic:
    """A finding. The message names the offence, stands alone on a narrow terminal; reason and remedy are notes.

    How bad it is, the declaration of its code says: ours stand in `CODES`, that of a plugin's code is given as `declared`.
    """

    code: str
    message: str
    origin: Origin = NOWHERE
    notes: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()
    is_way: bool = False
    """Whether the related places are steps of a way that ends at the finding, in their order."""
    declared: InitVar[Code | None] = None
    severity: Severity = field(init=False)
    is_strict: bool = field(init=False)
    """Told only to those who ask for it."""

    def __post_init__(self, declared: Code | None) -> None:
        """Take from the code's declaration how bad it is; a code without one is our own mistake."""
        code = CODES.get(self.code) if declared is None else declared
        assert code is not None, f"the code `{self.code}` is declared nowhere"
        object.__setattr__(self, "severity", code.severity)
        object.__setattr__(self, "is_strict", code.is_strict)

    def at(self, origin: Origin, related: tuple[Related, ...], fixes: tuple[Fix, ...]) -> Diagnostic:
        """Return the same finding at other places, whoever declared its code."""
        other = copy(self)
        for name, value in (("origin", origin), ("related", related), ("fixes", fixes)):
            object.__setattr__(other, name, value)
        return other


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that the source says is meant, and why."""

    diagnostic: Diagnostic
    because: str


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any finding stops a build."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
