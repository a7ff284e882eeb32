"""`parallel`: several ways at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import (
    ANY,
    INT,
    Bound,
    Effect,
    Emit,
    ListType,
    LiteralType,
    NodeType,
    ObjectType,
    Param,
    Problem,
    Type,
    obj,
    union,
)
from saltern_runtime.spec.limits import AT_ONCE

JOINS: Final = ("all", "any", "first", "quorum")
_JOIN: Final = Param(
    "join",
    union(*map(LiteralType, JOINS)),
    required=False,
    default="all",
    static=True,
    template=False,
    doc="Wait for `all` arms, for `any` that succeeds, for the one that ends `first`, or for a `quorum` that succeed.",
)


def _arms(bound: Bound) -> tuple[str, ...]:
    values = bound.types.get("values")
    return tuple(field.name for field in values.fields) if isinstance(values, ObjectType) else ()


def _result(bound: Bound) -> Type:
    values, join = bound.types.get("values", ANY), bound.literals.get("join", "all")
    if not isinstance(values, ObjectType) or join == "all":
        return values
    one = obj({"arm": union(*map(LiteralType, _arms(bound))), "value": union(*(field.type for field in values.fields))})
    return ListType(one) if join == "quorum" else one


def _check(bound: Bound) -> Iterator[Problem]:
    join, quorum, count = bound.literals.get("join", "all"), bound.literals.get("quorum"), len(_arms(bound))
    if not 2 <= count <= AT_ONCE:
        yield Problem("values", f"a parallel has 2 to {AT_ONCE} arms, not {count}", (), "out-of-bounds")
    if join == "quorum" and "quorum" not in bound.types:
        notes = ("Say how many have to succeed: `join quorum 2`.",)
        yield Problem("quorum", "the quorum has no number", notes, "missing-parameter")
    elif join != "quorum" and "quorum" in bound.types:
        yield Problem("quorum", f"a parallel that joins `{join}` has no number", ("Write `join quorum 2`.",))
    elif isinstance(quorum, int) and count > 1 and not 1 <= quorum <= count:
        message = f"{quorum} of {count} arms cannot succeed"
        yield Problem("quorum", message, (f"1 to {count} can.",), "out-of-bounds")


def _effect(bound: Bound) -> Effect:
    """Return the effect: a race ends its losers, so that it runs in a stage of its own."""
    return Effect.PURE if bound.literals.get("join", "all") == "all" else Effect.IDEMPOTENT


NODE: Final = NodeType(
    name="parallel",
    summary="Goes several ways at the same time, and gives what they yield: of all, of the first that ends or succeeds, or of so many.",
    params=(
        _JOIN,
        Param("quorum", INT, required=False, static=True, doc="How many have to succeed, where it joins a `quorum`."),
        Param("values", ANY, keep_skipped=True, doc="Of the arms; the notations write none."),
    ),
    result=_result,
    effect=_effect,
    emit=Emit.JOIN,
    check=_check,
)
