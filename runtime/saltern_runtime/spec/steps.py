"""Steps from one version to the next: what becomes of a node of a type, or of a document's shape, that is of the older one.

What changes is named by its parameter; in a document, by a JSON Pointer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import Json

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Rename:
    """A parameter, or a member, has another name; its value stays."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A parameter, or a member, means nothing any more."""

    name: str


@dataclass(frozen=True, slots=True)
class Put:
    """A parameter, or what a pointer leads to, has this value now; it is added where there was none."""

    name: str
    value: Json


@dataclass(frozen=True, slots=True)
class RenameField:
    """A field of the result has another name; whoever reads it is led to that one."""

    field: str
    to: str


@dataclass(frozen=True, slots=True)
class RenameHandle:
    """A handle has another name; whatever hangs on it hangs on that one."""

    handle: str
    to: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """What only a person can decide: a sentence, and what it is about (empty: the whole). All stays as it is."""

    what: str
    name: str = ""


Outward: TypeAlias = RenameField | RenameHandle
"""What others see of a node."""
Change: TypeAlias = Rename | Drop | Put | Outward | ByHand


def _nothing(_: object) -> Iterable[Change]:
    return ()


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """How a node, or a document, of version `of` becomes one of version `of + 1`. `S` is what it sees of that: `Bound`, or the document."""

    of: int
    summary: str
    """What differs, as a sentence; shown to whoever upgrades."""
    changes: Callable[[S], Iterable[Change]] = _nothing
    """Pure; sees what is bound (`Bound.literals` has the values that are known, types are not), or the document, and says what changes,
    in any order: each thing is changed once. Nothing: the newer version takes what stands there."""
