"""Steps from one version of a node type to the next: what becomes of a node that is of the older one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from saltern_runtime.spec.param import Bound
from saltern_runtime.spec.types import Json


@dataclass(frozen=True, slots=True)
class Rename:
    """A parameter has another name; what is bound to it stays."""

    param: str
    to: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A parameter means nothing any more."""

    param: str


@dataclass(frozen=True, slots=True)
class Put:
    """A parameter has this value now; it is added where nothing is bound to it."""

    param: str
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
    """What only a person can decide: a sentence, and the parameter that it is about (empty: the node). The node stays as it is."""

    what: str
    param: str = ""


Outward: TypeAlias = RenameField | RenameHandle
"""What others see of a node."""
Change: TypeAlias = Rename | Drop | Put | Outward | ByHand


def _nothing(_: Bound) -> Iterable[Change]:
    return ()


@dataclass(frozen=True, slots=True)
class Step:
    """How a node of version `of` becomes one of version `of + 1`."""

    of: int
    summary: str
    """What differs, as a sentence; shown to whoever upgrades."""
    changes: Callable[[Bound], Iterable[Change]] = _nothing
    """Pure; sees what is bound (`Bound.literals` has the values that are known, types are not) and says what changes, in any order:
    each parameter, field and handle is changed once. Nothing: the newer version takes what stands there."""
