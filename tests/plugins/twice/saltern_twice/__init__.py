"""`demo.twice`: run a body two times, one round after the other, and give the pair of what it yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.spec import INT, STRING, Binding, Bound, Effect, NodeType, ObjectType, Param, RegionSpec, Type, obj

if TYPE_CHECKING:
    from saltern_runtime.graph import Context


def _pair(yielded: Type, _: Bound) -> ObjectType:
    return obj({"first": yielded, "second": yielded})


NODE: Final = NodeType(
    name="demo.twice",
    summary="Runs its body two times and gives the pair of what it yields.",
    params=(Param("label", STRING, required=False, default="", doc="What the rounds are about."),),
    result=obj({}),
    effect=Effect.PURE,
    call="saltern_twice:rounds",
    region=RegionSpec(
        item=lambda _: INT,
        binds=Binding(doc="the name that the body knows the number of its round by"),
        result=_pair,
        gather="saltern_twice:pair",
        on_skip="null",
        doc="The value of a `demo.twice` is the pair of what its body yields.",
    ),
)


def rounds(ctx: Context, *, label: str = "") -> list[int]:
    """Count the rounds."""
    return [1, 2]


def pair(results: list[Any]) -> dict[str, Any]:
    """Name what the rounds gave."""
    first, second = results
    return {"first": first, "second": second}
