"""`while`: run a body as long as a condition holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import (
    ANY,
    BOOL,
    DURATION,
    INT,
    NULL,
    STRING,
    Binding,
    Bound,
    Carries,
    Effect,
    Emit,
    Field,
    FileType,
    ListType,
    LiteralType,
    NodeType,
    ObjectType,
    Param,
    Problem,
    RegionSpec,
    Type,
    UnionType,
    obj,
    union,
)

MAX_ROUNDS: Final = 100_000
"""Rounds of one loop, at most."""
LONGEST: Final = 30 * 86_400
"""Seconds for which rounds may begin, at most."""
_CONDITION: Final = Param("condition", BOOL, passed=False, doc="Asked of the state before each round.")
_LIMIT: Final = Param(
    "at_most", INT, required=False, static=True, passed=False, doc="Rounds at most; every loop needs it."
)
_WITHIN: Final = Param(
    "within",
    DURATION,
    required=False,
    static=True,
    passed=False,
    doc="How long rounds may begin, from the first one on; asked between two rounds, so that none is cut off.",
)
_ON_LIMIT: Final = Param(
    "on_limit",
    union(LiteralType("fail"), LiteralType("continue")),
    required=False,
    default="fail",
    static=True,
    template=False,
    passed=False,
    doc="What reaching `at_most`, or the end of `within`, leads to: the loop fails with the code `loop-limit`, or gives the state that it has.",
)


def _check(bound: Bound) -> Iterator[Problem]:
    limit = bound.literals.get("at_most")
    if "at_most" not in bound.types:
        notes = ("Say how many rounds are enough: a loop that never ends costs without end.",)
        yield Problem("at_most", "the loop has no limit", notes, "unbounded-loop")
    elif isinstance(limit, int) and not 1 <= limit <= MAX_ROUNDS:
        yield Problem(
            "at_most", f"a loop cannot have {limit} rounds", (f"1 to {MAX_ROUNDS:,} can be.",), "out-of-bounds"
        )

    within = bound.literals.get("within")
    if isinstance(within, int | float) and not 0 < within <= LONGEST:
        rule = f"More than 0 seconds, at most {LONGEST // 86_400} days."
        yield Problem("within", "the time of the loop is out of bounds", (rule,), "out-of-bounds")


def _state(bound: Bound) -> Type:
    return bound.types["type"] if "type" in bound.types else _wide(bound.types.get("state", ANY))


def _wide(of: Type) -> Type:
    """Return the type of states that begin with a value of a type: what is null, or one literal, may be another value later."""
    match of:
        case LiteralType(value=value):
            return BOOL if isinstance(value, bool) else INT if isinstance(value, int) else STRING
        case UnionType(members=members):
            return union(*(_wide(member) for member in members))
        case ListType(item=item):
            return ListType(_wide(item))
        case FileType():
            return of
        case ObjectType():
            return obj(
                {field.name: Field(field.name, _wide(field.type), field.required) for field in of.fields}, open=of.open
            )
        case _:
            return ANY if of == NULL else of


def _result(_: Type, bound: Bound) -> Type:
    return _state(bound)


NODE: Final = NodeType(
    name="while",
    summary="Runs its body again and again, as long as a condition holds for a state that each round hands on.",
    params=(
        Param("state", ANY, typed_by="type", doc="The state that the first round starts with."),
        Param(
            "type",
            is_type=True,
            required=False,
            passed=False,
            doc="The type of the state, where the first one does not tell it.",
        ),
        _LIMIT,
        _WITHIN,
        _ON_LIMIT,
    ),
    result=_state,
    effect=Effect.IDEMPOTENT,
    emit=Emit.VALUE,
    check=_check,
    region=RegionSpec(
        item=_state,
        binds=Binding(doc="the name that the condition and the body know the state by"),
        result=_result,
        carries=Carries(_CONDITION, _LIMIT, _WITHIN, _ON_LIMIT),
        doc="The value of a `while` is the state for which its condition does not hold; a round makes the next one with `next`.",
    ),
)
