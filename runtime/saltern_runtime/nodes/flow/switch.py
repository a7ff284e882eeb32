"""`switch`: take the branch of the case that a value equals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import ANY, STRING, Bound, Effect, Emit, Json, ListType, NodeType, Param, Problem


def case_key(value: Json) -> str:
    """Write a case as its handle does: `true`, `false` and `null` as JSON, all else as text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


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


NODE: Final = NodeType(
    name="switch",
    summary="Takes the branch `case.<value>` of the case that a value equals, else the branch `else`.",
    params=(
        Param("value", ANY, doc="What is compared."),
        Param(
            "cases", ListType(ANY), static=True, template=False, doc="Strings, integers, booleans or null, each once."
        ),
    ),
    result=STRING,
    effect=Effect.PURE,
    emit=Emit.SWITCH,
    check=_check,
)
