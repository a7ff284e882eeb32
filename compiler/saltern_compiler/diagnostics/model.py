"""Findings about the user's source: coded, located, explained, with fixes where there are any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


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


class Severity(StrEnum):
    """How bad a finding is: only errors stop a build."""

    ERROR = "error"
    WARNING = "warning"


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


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding. The message names the offence, stands alone on a narrow terminal; reason and remedy are notes."""

    code: str
    message: str
    origin: Origin = NOWHERE
    severity: Severity = Severity.ERROR
    notes: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()
