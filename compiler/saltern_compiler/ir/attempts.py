"""A `try` and a `parallel` as a graph has them: regions that stand beside each other, and a node that takes their values.

    charge     charge/attempt, and charge/catch, which hangs on the failure of the first
    best       an arm each: best/fast, best/good

Both notations write them as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from saltern_compiler.expr.ast import Ident
from saltern_compiler.ir.pipeline import ControlEdge, Node, Region, region_of
from saltern_compiler.ir.values import Expression, Literal, ObjectValue, make_list, make_object
from saltern_runtime.spec.names import ERROR, OUTCOMES, SUCCESS

TRY: Final = "try"
ATTEMPT: Final = "attempt"
CATCH: Final = "catch"
PARALLEL: Final = "parallel"
ARM: Final = "arm"
WHOLES: Final = frozenset({TRY, PARALLEL})
"""Node types that have parts."""
VALUES: Final = "values"
"""The parameter with the values of the parts, which no notation writes."""
PARTS: Final = (ATTEMPT, CATCH)
"""The parts of a `try`."""


def part_id(node_id: str, part: str) -> str:
    """Return the id of a part."""
    return f"{node_id}/{part}"


def is_part(node: Node) -> bool:
    """Whether a node is a part of another one, named after it."""
    if node.type == ARM:
        return "/" in node.id
    return node.type in PARTS and node.id.endswith(f"/{node.type}")


def whole_of(node: Node) -> str:
    """Return the id of what a part is a part of."""
    return node.id.rpartition("/")[0]


def is_race(node: Node) -> bool:
    """Whether a node is a `parallel` that does not wait for all of its arms."""
    join = node.param("join")
    return node.type == PARALLEL and isinstance(join, Literal) and join.value != "all"


def race_of(node: Node) -> tuple[tuple[ControlEdge, ...], int]:
    """Return the ends of arms that decide a race, and how many of them do; none and 0 for what is no race."""
    values, join, quorum = node.param(VALUES), node.param("join"), node.param("quorum")
    if not is_race(node) or not isinstance(values, ObjectValue) or not isinstance(join, Literal):
        return (), 0
    handles = OUTCOMES if join.value == "first" else (SUCCESS,)
    edges = tuple(ControlEdge(part_id(node.id, name), handle) for name, _ in values.fields for handle in handles)
    return edges, int(quorum.value) if isinstance(quorum, Literal) and join.value == "quorum" else 1


def expand(
    node: Node, body: Iterable[Node], handler: Iterable[Node], names: tuple[str, ...]
) -> tuple[Node, Node, Node]:
    """Make a `try` of what is attempted and what catches; the parts run where it runs."""
    attempt, catch = (part_id(node.id, part) for part in PARTS)
    part = _part(node, attempt, ATTEMPT, body)
    other = replace(
        part,
        id=catch,
        type=CATCH,
        control=(ControlEdge(attempt, ERROR, node.place("type")),),
        join="all",
        after=(),
        body=region_of(catch, handler, names),
    )
    values = make_list([Expression(Ident(name), node.place("type")) for name in (attempt, catch)])
    return replace(node, params=((VALUES, values),)), part, other


def spread(node: Node, arms: Mapping[str, Iterable[Node]]) -> tuple[Node, ...]:
    """Make a `parallel` of its arms; they run where it runs."""
    made = [_part(node, part_id(node.id, name), ARM, arms[name]) for name in sorted(arms)]
    at = node.place("type")
    values = make_object({name: Expression(Ident(part_id(node.id, name)), at) for name in sorted(arms)}, at)
    params = {**dict(node.params), VALUES: values}
    return replace(node, params=tuple(sorted(params.items(), key=lambda pair: pair[0]))), *made


def _part(node: Node, name: str, kind: str, body: Iterable[Node]) -> Node:
    return Node(
        name,
        kind,
        control=node.control,
        join=node.join,
        after=node.after,
        disabled=node.disabled,
        body=region_of(name, body, ()),
        origin=node.origin,
        origins=node.origins,
    )


def parts(node: Node, region: Region) -> tuple[Node, ...] | None:
    """Return the parts of a node, in the order of their ids; None where they are not as a notation makes them."""
    found = tuple(other for other in region.nodes if is_part(other) and whole_of(other) == node.id)
    made: tuple[Node, ...] = ()
    if node.type == PARALLEL:
        made = spread(node, {other.id.rpartition("/")[2]: _nodes(other) for other in found})
    elif [other.type for other in found] == [*PARTS]:
        attempt, catch = found
        names = catch.body.variables if catch.body is not None else ()
        made = expand(node, _nodes(attempt), _nodes(catch), names)
    return found if made == (node, *found) else None


def _nodes(part: Node) -> tuple[Node, ...]:
    return () if part.body is None else part.body.nodes
