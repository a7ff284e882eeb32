"""`foreach`: run a body for each item of a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import (
    ANY,
    INT,
    STRING,
    Binding,
    Bound,
    Effect,
    Emit,
    Field,
    ListType,
    LiteralType,
    NodeType,
    Param,
    Problem,
    RegionSpec,
    Type,
    obj,
    union,
)
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.spec.types import without_null

AT_MOST: Final = 8
"""Items at the same time, where the pipeline does not say how many."""
_WINDOW: Final = Param(
    "at_most", INT, False, AT_MOST, static=True, passed=False, doc="Items that run at the same time."
)
_ON_ERROR: Final = Param(
    "on_error",
    union(LiteralType("stop"), LiteralType("continue"), LiteralType("collect")),
    False,
    "stop",
    static=True,
    template=False,
    passed=False,
    doc="What an item's failure leads to: it fails the run, drops the item, or is the item's result.",
)
ITEM_ERROR: Final = Field("error", obj({"code": STRING, "kind": STRING, "message": STRING}), required=False)
"""What `on error collect` gives of an item that failed."""


def _check(bound: Bound) -> Iterator[Problem]:
    at_most = bound.literals.get("at_most", AT_MOST)
    if isinstance(at_most, int) and not 1 <= at_most <= AT_ONCE:
        message = f"{at_most} items cannot run at the same time"
        yield Problem("at_most", message, (f"1 to {AT_ONCE} can; the others wait their turn.",), "out-of-bounds")


def _item(bound: Bound) -> Type:
    items = without_null(bound.types.get("items", ANY))
    return items.item if isinstance(items, ListType) else ANY


def _result(yielded: Type, bound: Bound) -> Type:
    if bound.literals.get("on_error") == "collect":
        return ListType(obj({"value": Field("value", yielded, required=False), "error": ITEM_ERROR}))
    return ListType(yielded)


NODE: Final = NodeType(
    name="foreach",
    summary="Runs its body for each item of a list, several at a time, and gives the list of what the body yields.",
    params=(Param("items", ListType(ANY), doc="The list."), _WINDOW, _ON_ERROR),
    result=ListType(ANY),
    effect=Effect.IDEMPOTENT,
    emit=Emit.VALUE,
    check=_check,
    region=RegionSpec(
        item=_item,
        binds=Binding(),
        result=_result,
        window=_WINDOW,
        on_error=_ON_ERROR,
        doc="The value of a `foreach` is the list of what its body yields, an item each.",
    ),
)
