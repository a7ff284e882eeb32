"""What the scripts are passed of stages: the worker knows the plan, the store does not."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict


class _Dependant(TypedDict):
    path: str
    need: int
    join: Literal["all", "any"]
    live: int
    dead: int
    queue: str
    priority: int
    reads: str
    """JSON array of node ids; the empty id is the run's input."""
    timeout: int


class Dependant(_Dependant, total=False):
    """A stage as its predecessors (or `create`) pass it: the worker knows the plan, the store does not."""

    ttl: int
    quorum: int
    """It becomes READY as soon as so many of its control edges are live."""
    limit: dict[str, str | float | bool]
    """Of what it calls; its keys are those of `records.Limit`."""


Other: TypeAlias = tuple[str, str]
"""A node of a stage in an item that did not end as the stage did, and how: `succeeded`, `skipped`, or empty where it did not begin."""


class Body(TypedDict):
    """The body of a region, with `[*]` in place of the index: names of its activations and values, and where its yield stands."""

    acts: list[str]
    vals: list[str]
    result: str
