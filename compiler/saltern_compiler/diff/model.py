"""What a comparison finds: changes, each with what it is for callers, and whether runs in flight may go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from saltern_runtime.dataclass import dataclass


class Grade(StrEnum):
    """What a change is for those who call the API."""

    COSMETIC = "cosmetic"
    """Nobody outside can tell: names inside of the pipeline."""
    SAFE = "safe"
    """What callers send is still taken, and what they get is still of the type that they know."""
    BREAKING = "breaking"
    """A request that was taken is refused, or an answer is not of the type that callers know."""


_ORDER: Final = tuple(Grade)


def worst(grades: Iterable[Grade]) -> Grade:
    """Return the worst of some grades; without any, `cosmetic`."""
    return max(grades, key=_ORDER.index, default=Grade.COSMETIC)


Kind: TypeAlias = Literal["added", "removed", "renamed", "changed"]
Subject: TypeAlias = Literal[
    "pipeline",
    "input",
    "output",
    "setting",
    "budget",
    "policy",
    "use",
    "secret",
    "connection",
    "trigger",
    "node",
    "module",
]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. `old` and `new` are as the language writes them; None for what one side does not have."""

    kind: Kind
    subject: Subject
    name: str
    """Of what changed: a node's id in the new pipeline (where it was removed, in the old one), a field's path in `input`."""
    part: str = ""
    """Which part of it: `param url`, `@retry`, `after`; empty: the whole."""
    old: str | None = None
    new: str | None = None
    grade: Grade = Grade.SAFE
    why: str = ""
    """Why the grade is what it is, where the kind of change does not say so."""
    within: str = ""
    """Path of the used pipeline that it stands in, from the folder of the compared one; empty: the pipeline itself."""


def between(  # noqa: PLR0917 - each is a column
    subject: Subject, name: str, part: str, old: str | None, new: str | None, grade: Grade = Grade.SAFE, why: str = ""
) -> Change:
    """Make the change from one text to another: `added` where there was none, `removed` where there is none."""
    kind: Kind = "added" if old is None else "removed" if new is None else "changed"
    return Change(kind, subject, name, part, old, new, grade, why)


@dataclass(frozen=True, slots=True)
class Hurdle:
    """A state in which a run of the old pipeline may not go on with the new one; ids are those of the old one.

    It holds once `after` has ended (None: from the start) and as long as `until` has not (None: to the end); where `during` is set,
    while that node has begun and not ended.
    """

    why: str
    after: str | None = None
    until: str | None = None
    during: str | None = None

    def holds(self, ended: frozenset[str], begun: frozenset[str] = frozenset()) -> bool:
        """Whether it stops a run of which these nodes have ended, and these others have begun."""
        if self.during is not None:
            return self.during in begun
        return (self.after is None or self.after in ended) and self.until not in ended


@dataclass(frozen=True, slots=True)
class Runs:
    """Whether runs that began on the old pipeline may go on with the new one."""

    hurdles: tuple[Hurdle, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    """Old id → new id of the nodes outside of regions whose values a run would take along."""
    kept: tuple[str, ...] = ()
    """Old ids, sorted: where one of these has ended, the run keeps a value that the new pipeline would not have made."""
    starts: tuple[str, ...] = ()
    """Old ids in the order of data flow: where a run that is about to begin that node, all it waits for having ended, may go on."""

    stuck: bool = False
    """Whether a hurdle holds at every point of a run: at the start of each node, and between any two as they follow each other."""

    @property
    def verdict(self) -> Literal["yes", "partly", "no"]:
        """`yes`: from anywhere; `no`: from nowhere; `partly`: from where no hurdle holds."""
        if not self.hurdles:
            return "yes"
        return "no" if self.stuck else "partly"

    def may_go_on(self, ended: frozenset[str], begun: frozenset[str] = frozenset()) -> bool:
        """Whether a run may go on of which these nodes (old ids, outside of regions) have ended, and these have begun."""
        return not any(hurdle.holds(ended, begun) for hurdle in self.hurdles)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two pipelines side by side."""

    old: str
    """The old pipeline's name."""
    new: str
    changes: tuple[Change, ...]
    runs: Runs

    @property
    def callers(self) -> Grade:
        """What all changes together are for callers; `cosmetic` without any."""
        return worst(change.grade for change in self.changes)
