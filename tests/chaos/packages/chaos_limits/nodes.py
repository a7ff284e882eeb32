"""The nodes."""

import time
from typing import Any

from chaos_triage.nodes import act

from saltern_runtime.graph import Context, node


@node("all", type="foreach@1")
def all_(*, input: dict[str, Any]) -> list[int]:  # noqa: A002 - the name that nodes read the input by
    """List what to go over."""
    return list(range(input["items"]))


@node("ask", type="postgres.execute@1", connection="crm")
def ask(ctx: Context, *, item: int, input: dict[str, Any]) -> int:  # noqa: A002 - the name that nodes read the input by
    """Ask for one, for a moment."""
    act(ctx, input if item == 1 else {})
    time.sleep(0.02)  # calls that may overlap do, and a worker is killed while it holds a turn
    return item


@node("all/yield", type="yield@1")
def all_yield(*, ask: int) -> int:
    """Give the item's result."""
    return ask


@node("return", type="return@1")
def return_(*, all_: list[int]) -> list[int]:
    """Return the result of the run."""
    return all_
