"""What a region is: a node type that owns a nested graph, its body, and runs it for rounds of its own making.

The node's function gives a list; each item of it starts one round of the body. What the rounds yield becomes the value of
the node. The compiler reads the types and the modes, generated code carries them in the stage (`graph.Opens`), and the engine
and the store run every region alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.param import Bound, Param
from saltern_runtime.spec.types import ANY, Json, ListType, Type

OnError: TypeAlias = Literal["stop", "continue", "collect"]
"""What the failure of a round leads to: the region fails, the round is dropped, or the failure is the round's result."""
OnLimit: TypeAlias = Literal["fail", "continue"]
"""What reaching the most rounds, or their time, leads to: the region fails, or goes on with the state it has."""
OnSkip: TypeAlias = Literal["drop", "null"]
"""What a round leaves that has no result (its `yield` was skipped, or it failed and the region goes on): no hole, or null."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The name that the body knows the item of its round by; the author of a pipeline chooses it."""

    param: str = "as"
    """What an editor's document calls it, beside the parameters."""
    doc: str = "the name that the body knows the item by"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Carries:
    """Rounds that follow each other: the node's function gives a first state, each round makes the next one of it (`next`).

    A condition is asked of the state before each round; the state for which it does not hold is the node's value.
    """

    condition: Param
    """Asked where the body's name is known. In an editor's document it stands among the parameters; a pipeline keeps it as a node
    of the body, of the type `check`."""
    limit: Param
    """Rounds at most: static, without a default."""
    within: Param
    """How long rounds may begin: static, a length of time, without a default."""
    on_limit: Param
    """`fail` or `continue`: static."""


def _anything(_: Bound) -> Type:
    return ANY


def _list(yielded: Type, _: Bound) -> Type:
    return ListType(yielded)


@dataclass(frozen=True, slots=True)
class RegionSpec:
    """How a node type runs its body."""

    item: Callable[[Bound], Type] = _anything
    """The type of an item; the node's function returns a list of such."""
    binds: Binding | None = None
    """None: the body sees nothing of its round."""
    result: Callable[[Type, Bound], Type] = _list
    """The type of the node's value, given that of what its body yields (or null, where a skipped yield leaves null)."""
    gather: str = ""
    """`package.module:function` that makes the node's value (a JSON value) of the list of the rounds' results (JSON values, in
    the order of the items); empty: the list is the value."""
    carries: Carries | None = None
    """None: the node's function gives all items at the start."""
    window: Param | int = 1
    """Rounds that run at the same time, at most: so many, or what a static parameter says."""
    on_error: Param | OnError = "stop"
    """What the failure of a round leads to, or the static parameter that says so."""
    on_skip: OnSkip = "drop"
    yields: bool = True
    """Whether its body gives something; else the region is there for what its body does."""
    doc: str = "Its value is made of what its body yields."
    """A sentence about that value, for those whose body yields nothing."""


def chosen(setting: Param | Json, literals: Mapping[str, Json]) -> Json:
    """Return what `window` or `on_error` come to, given the literals that a node binds."""
    return literals.get(setting.name, setting.default) if isinstance(setting, Param) else setting
