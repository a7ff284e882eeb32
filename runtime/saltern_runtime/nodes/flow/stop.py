"""`stop`: end a run early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

from saltern_runtime.errors import StopRun
from saltern_runtime.spec import ANY, NULL, STRING, Bound, Effect, LiteralType, NodeType, Param, Problem, union

if TYPE_CHECKING:
    from saltern_runtime.graph import Context


def _check(bound: Bound) -> Iterator[Problem]:
    state = bound.literals.get("state")
    if state == "failed" and "message" not in bound.types:
        notes = ("Whoever looks at the run wants to know why.",)
        yield Problem("message", "a run that fails says why: `message` is missing", notes, "missing-parameter")
    if state == "failed" and "output" in bound.types:
        yield Problem("output", "a run that fails returns nothing", ("Leave `output` out.",))


NODE: Final = NodeType(
    name="stop",
    summary="Ends the run at once, as failed or as succeeded; what still runs is cancelled, and no `try` catches it.",
    params=(
        Param(
            "state",
            union(LiteralType("failed"), LiteralType("succeeded")),
            static=True,
            template=False,
            doc="What the run ends as.",
        ),
        Param("message", STRING, required=False, default="", doc="Why."),
        Param("output", ANY, required=False, doc="What the run returns, where it succeeds."),
    ),
    result=NULL,
    effect=Effect.IDEMPOTENT,
    call="saltern_runtime.nodes.flow:stop",
    check=_check,
)


def stop(
    ctx: Context,  # noqa: ARG001 - every callable takes it
    *,
    state: Literal["failed", "succeeded"],
    message: str = "",
    output: Any = None,
) -> None:
    """End the run."""
    raise StopRun(state, message, output)
