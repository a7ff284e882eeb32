"""A `try` as a graph has it: a region that is attempted, one that catches its failure, and what takes the value of either.

They stand beside each other: `charge/attempt`, `charge/catch`, which hangs on the failure of the first, and `charge` itself.
Both notations write the three as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from saltern_compiler.expr.ast import Ident
from saltern_compiler.ir.pipeline import ControlEdge, Node, Region, region_of
from saltern_compiler.ir.values import Expression, make_list
from saltern_runtime.spec.names import ERROR

TRY: Final = "try"
ATTEMPT: Final = "attempt"
CATCH: Final = "catch"
PARTS: Final = (ATTEMPT, CATCH)


def part_id(node_id: str, part: str) -> str:
    """Return the id of a part of a `try`."""
    return f"{node_id}/{part}"


def is_part(node: Node) -> bool:
    """Whether a node is a part of a `try`, named after it."""
    return node.type in PARTS and node.id.endswith(f"/{node.type}")


def expand(
    node: Node, body: Iterable[Node], handler: Iterable[Node], names: tuple[str, ...]
) -> tuple[Node, Node, Node]:
    """Make a `try` of what is attempted and what catches; the parts run where it runs."""
    attempt, catch = (part_id(node.id, part) for part in PARTS)
    part = Node(
        attempt,
        ATTEMPT,
        control=node.control,
        join=node.join,
        after=node.after,
        disabled=node.disabled,
        body=region_of(attempt, body, ()),
        origin=node.origin,
        origins=node.origins,
    )
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
    return replace(node, params=(("values", values),)), part, other


def parts(node: Node, region: Region) -> tuple[Node, Node] | None:
    """Return the parts of a `try`; None where they are not as a notation makes them."""
    attempt, catch = (region.node(part_id(node.id, part)) for part in PARTS)
    if attempt is None or catch is None or attempt.body is None or catch.body is None:
        return None
    made = expand(node, attempt.body.nodes, catch.body.nodes, catch.body.variables)
    return (attempt, catch) if made == (node, attempt, catch) else None
