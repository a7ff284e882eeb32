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
class ByHand:
    """What only a person can decide: a sentence, and the parameter that it is about (empty: the node). The node stays as it is."""

    what: str
    param: str = ""


Change: TypeAlias = Rename | Drop | Put | ByHand


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
    each parameter is changed once. Nothing: the newer version takes what stands there."""
