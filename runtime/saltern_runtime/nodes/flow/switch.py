"""`switch`: take the branch of the case that a value equals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import (
    ANY,
    BOOL,
    NULL,
    STRING,
    Bound,
    Effect,
    Emit,
    Json,
    ListType,
    LiteralType,
    NodeType,
    Param,
    Problem,
    Type,
    UnionType,
    union,
)
from saltern_runtime.spec.names import ELSE, case_handle, case_key


def _check(bound: Bound) -> Iterator[Problem]:
    cases = bound.literals.get("cases")
    if not isinstance(cases, list):
        return
    seen: dict[str, Json] = {}
    for case in cases:
        if not (case is None or isinstance(case, str | bool | int)):
            yield Problem(
                "cases", f"the case {case!r} is no string, integer, boolean or null", ("A case is one plain value.",)
            )
            continue
        key = case_key(case)
        if key in seen:
            same = seen[key] == case and type(seen[key]) is type(case)
            reason = "The second could never be taken." if same else f"Both would have the handle `case.{key}`."
            yield Problem("cases", f"the case {key} stands twice", (reason,))
        seen[key] = case


def _handles(bound: Bound) -> tuple[str, ...] | None:
    cases = bound.literals.get("cases")
    return (*map(case_handle, cases), ELSE) if isinstance(cases, list) else None


def _taken(bound: Bound) -> tuple[str, ...]:
    """Return the handles of which always one is taken: no `else` where the cases cover all values of the type."""
    value, cases = bound.types.get("value", ANY), bound.literals.get("cases")
    members: list[Type] = []
    for member in value.members if isinstance(value, UnionType) else (value,):
        members.extend((LiteralType(True), LiteralType(False)) if member == BOOL else (member,))
    plain = (case for case in cases if case is None or isinstance(case, str | int)) if isinstance(cases, list) else ()
    listed = {NULL if case is None else LiteralType(case) for case in plain}
    if not all(member in listed for member in members):
        return _handles(bound) or ()
    return tuple(case_handle(member.value if isinstance(member, LiteralType) else None) for member in members)


def _result(bound: Bound) -> Type:
    handles = _handles(bound)
    return STRING if handles is None else union(*map(LiteralType, handles))


NODE: Final = NodeType(
    name="switch",
    summary="Takes the branch `case.<value>` of the case that a value equals, else the branch `else`.",
    params=(
        Param("value", ANY, doc="What is compared."),
        Param(
            "cases",
            ListType(ANY),
            static=True,
            template=False,
            unordered=True,
            doc="Strings, integers, booleans or null, each once.",
        ),
    ),
    result=_result,
    effect=Effect.PURE,
    emit=Emit.SWITCH,
    handles=_handles,
    taken=_taken,
    check=_check,
)
