"""The target `demo_guests`: one file that lists who greets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_compiler.target import Contribution, Target


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:
    """Write GUESTS.txt: the nodes that greet, in the order data flows."""
    names = [planned.node.id for planned in plan.nodes if planned.spec.name == "demo.greet"]
    return {"GUESTS.txt": "".join(f"{name}\n" for name in names).encode()}


def contribute(plan: Plan) -> Contribution:
    """Say in the tree's README what the file is."""
    return Contribution(readme="## Guests\n\n`GUESTS.txt` lists the nodes that greet.\n")


TARGET: Final = Target(
    name="demo_guests",
    summary="A list of the nodes that greet.",
    emit=emit,
    contribute=contribute,
    needs=("python",),
)
