"""The types of operators and functions, given those of their operands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from saltern_compiler.diagnostics.suggest import did_you_mean, nearest, there_are
from saltern_compiler.expr.ast import Call, Const, Ident, Index, Select
from saltern_compiler.expr.functions import FUNCTIONS, MACROS, METHODS, NAMESPACES
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.kinds import (
    ANY,
    BOOL,
    DOUBLE,
    NULL,
    NUMBERS,
    ORDERED,
    join,
    kind,
    widened,
    without_null,
)
from saltern_compiler.expr.signatures import VALUE, Overload, given, takes, unsure
from saltern_compiler.expr.typed import ILL_TYPED, Report, Typed
from saltern_compiler.expr.written import Near, check_texts
from saltern_runtime.spec.types import (
    DURATION,
    STRING,
    TIMESTAMP,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Type,
    UnionType,
    is_nullable,
    show,
)

MAY_BE_NULL: Final = "may-be-null"

_SIGNS: Final[Mapping[str, str]] = {
    "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=",
    "_==_": "==", "_!=_": "!=", "@in": "in", "_&&_": "&&", "_||_": "||", "!_": "!", "-_": "-",
}  # fmt: skip
_TIMES: Final[Mapping[tuple[str, str, str], Type]] = {
    ("+", "timestamp", "duration"): TIMESTAMP,
    ("+", "duration", "timestamp"): TIMESTAMP,
    ("+", "duration", "duration"): DURATION,
    ("-", "timestamp", "timestamp"): DURATION,
    ("-", "timestamp", "duration"): TIMESTAMP,
    ("-", "duration", "duration"): DURATION,
}


def operator(call: Call, parts: tuple[Typed, ...], report: Report) -> Typed | None:
    """Type an operator; None if the call is none."""
    sign = _SIGNS.get(call.function)
    if sign is None or call.target is not None:
        return None
    skips = frozenset[str]().union(*(part.skips for part in parts))
    fails = any(part.fails for part in parts)
    of, may_fail = _operator(call, sign, parts, report)
    return Typed(call, of, parts, fails or may_fail, skips)


def _operator(call: Call, sign: str, parts: tuple[Typed, ...], report: Report) -> tuple[Type, bool]:
    match sign:
        case "==" | "!=":
            return _equality(call, sign, parts[0], parts[1], report)
        case "&&" | "||" | "!":
            wanted = [condition(part, report) for part in parts]
            return BOOL, not all(wanted)
        case "in":
            return _membership(call, parts[0], parts[1], report)
        case "<" | "<=" | ">" | ">=":
            return _order(call, sign, parts, report)
        case _ if len(parts) == 1:
            return _negation(call, parts[0], report)
        case _:
            return _arithmetic(call, sign, parts, report)


def condition(part: Typed, report: Report) -> bool:
    """Check that a part is a condition; whether it is proven one."""
    of = not_null(part, report)
    if kind(of) not in ("bool", "any"):
        report(Problem(ILL_TYPED, f"a condition is a bool, not {show(widened(of))}", part.expr.span))
    return kind(of) == "bool"


def not_null(part: Typed, report: Report) -> Type:
    """Return the type of a part where null has no meaning; reports one that may be null."""
    if part.type == ANY or not is_nullable(part.type):
        return part.type
    if part.type == NULL:
        report(Problem(ILL_TYPED, "null has no meaning here", part.expr.span))
        return ANY
    notes = (f"Its type is `{show(part.type)}`.", "Test it first: `x != null ? … : …`.")
    report(Problem(MAY_BE_NULL, "the value may be null", part.expr.span, notes))
    return without_null(part.type)


def _equality(call: Call, sign: str, left: Typed, right: Typed, report: Report) -> tuple[Type, bool]:
    if not _may_be_equal(left.type, right.type):
        report(_refused(call, sign, left.type, right.type))
        return BOOL, True
    for side, other in ((left, right), (right, left)):
        never = _never(side, other)
        if never is not None:
            report(never)
    return BOOL, False


def _may_be_equal(a: Type, b: Type) -> bool:
    if ANY in (a, b) or NULL in (a, b):
        return True
    if isinstance(a, UnionType):
        return any(_may_be_equal(member, b) for member in a.members)
    if isinstance(b, UnionType):
        return any(_may_be_equal(a, member) for member in b.members)
    kinds = {kind(a), kind(b)}
    if len(kinds) == 1 or kinds <= {"int", "uint", "double"} or kinds == {"map", "object"}:
        return not (isinstance(a, ListType) and isinstance(b, ListType)) or _may_be_equal(a.item, b.item)
    return False


def _never(side: Typed, other: Typed) -> Problem | None:
    """Find a literal that is compared with an enumeration it is not in."""
    if not isinstance(other.expr, Const) or not isinstance(side.expr, Select | Ident | Index):
        return None
    members = side.type.members if isinstance(side.type, UnionType) else (side.type,)
    rest = [member for member in members if member != NULL]
    literals = [member for member in rest if isinstance(member, LiteralType)]
    value = other.expr.value
    if not literals or len(literals) != len(rest) or not isinstance(value, str | int | bool):
        return None
    if LiteralType(value) in literals:
        return None
    shown = show(LiteralType(value))
    near = nearest(str(value), sorted(literal.value for literal in literals if isinstance(literal.value, str)), 1)
    notes = (f"It is {' or '.join(show(literal) for literal in literals)}.",)
    better = show(LiteralType(near[0])) if near else ""
    return Problem(ILL_TYPED, f"the value is never {shown}", other.expr.span, notes, better)


def _membership(call: Call, item: Typed, whole: Typed, report: Report) -> tuple[Type, bool]:
    of = not_null(whole, report)
    match of:
        case ListType(item=inner):
            fits = _may_be_equal(item.type, inner)
        case ObjectType(fields=()):
            fits = True
        case MapType() | ObjectType():
            fits = kind(item.type) in ("string", "any")
        case _:
            fits = kind(of) == "any"
    if not fits:
        report(_refused(call, "in", item.type, of))
    return BOOL, not fits or kind(of) == "any"


def _order(call: Call, sign: str, parts: tuple[Typed, ...], report: Report) -> tuple[Type, bool]:
    left, right = (not_null(part, report) for part in parts)
    a, b = kind(left), kind(right)
    if "any" in (a, b):
        return BOOL, True
    if (a == b and a in ORDERED | {"uint"}) or {a, b} <= {*NUMBERS, "uint"}:
        return BOOL, False
    report(_refused(call, sign, left, right))
    return BOOL, True


def _negation(call: Call, part: Typed, report: Report) -> tuple[Type, bool]:
    of = not_null(part, report)
    if kind(of) in ("int", "double", "any"):
        return widened(of), kind(of) != "double"
    report(Problem(ILL_TYPED, f"`-` does not take {show(widened(of))}", call.span))
    return ANY, True


def _arithmetic(call: Call, sign: str, parts: tuple[Typed, ...], report: Report) -> tuple[Type, bool]:
    left, right = (widened(not_null(part, report)) for part in parts)
    a, b = kind(left), kind(right)
    if "any" in (a, b):
        return ANY, True
    if a == b and a in ("int", "uint"):
        return left, True
    if sign != "%" and {a, b} <= NUMBERS:
        return DOUBLE, False
    if sign == "+" and a == b and a in ("string", "bytes"):
        return left, False
    if sign == "+" and isinstance(left, ListType) and isinstance(right, ListType):
        return ListType(join((left.item, right.item))), False
    if (sign, a, b) in _TIMES:
        return _TIMES[sign, a, b], True
    report(_refused(call, sign, left, right))
    return ANY, True


def _refused(call: Call, sign: str, left: Type, right: Type) -> Problem:
    left, right = widened(left), widened(right)
    notes: tuple[str, ...] = ()
    if sign == "+" and STRING in (left, right):
        notes = ("Write a template, or convert with `string(…)`.",)
    return Problem(ILL_TYPED, f"`{sign}` does not take {show(left)} and {show(right)}", call.span, notes)


def function(call: Call, parts: tuple[Typed, ...], near: Near, report: Report) -> Typed:
    """Type a call of a named function or method."""
    table = FUNCTIONS if call.target is None else METHODS
    skips = frozenset[str]().union(*(part.skips for part in parts))
    overloads = table.get(call.function)
    if overloads is None:
        report(_unknown(call, table))
        return Typed(call, ANY, parts, fails=True, skips=skips)
    types = [part.type if _takes_null(overloads, place) else not_null(part, report) for place, part in enumerate(parts)]
    chosen = select(overloads, types)
    if chosen is None:
        shown = ", ".join(show(widened(of)) for of in types)
        notes = (
            f"It takes {' or '.join(dict.fromkeys(_signature(overload, call) for overload in overloads if ANY not in overload.takes))}.",
        )
        report(Problem(ILL_TYPED, f"`{call.function}` does not take ({shown})", call.span, notes))
        return Typed(call, ANY, parts, fails=True, skips=skips)
    check_texts(call.function, parts, near, report)
    fails = chosen.fails or any(part.fails for part in parts) or _dynamic(chosen, types)
    return Typed(call, given(chosen, types), parts, fails, skips, chosen)


def of_library(call: Call, known: Collection[str]) -> bool:
    """Whether a method is called on the name of a library that nothing else has."""
    target = call.target
    return isinstance(target, Ident) and target.name in NAMESPACES and target.name not in known


def no_such(call: Call, args: Sequence[Typed], report: Report) -> Typed:
    """Report a function that a library has not."""
    assert isinstance(call.target, Ident)
    library = call.target.name
    macro = MACROS.get(f"{library}.{call.function}")
    if macro is not None:
        report(_misused(call, macro.name, macro.usage))
        return Typed(call, ANY, (Typed(call.target, ANY, fails=True), *args), fails=True)
    named = [name for name in (*FUNCTIONS, *MACROS) if name.startswith(f"{library}.")]
    notes = did_you_mean(nearest(f"{library}.{call.function}", sorted(named))) or there_are(sorted(named))
    report(Problem("unknown-function", f"there is no function `{library}.{call.function}`", call.span, notes))
    return Typed(call, ANY, (Typed(call.target, ANY, fails=True), *args), fails=True)


def _takes_null(overloads: Sequence[Overload], place: int) -> bool:
    """Whether null has a meaning as the value at a place."""
    return any(place < len(overload.takes) and overload.takes[place] == VALUE for overload in overloads)


def select(overloads: Sequence[Overload], types: Sequence[Type]) -> Overload | None:
    """Choose the first overload that takes the types, one that needs no check of dynamic values before one that does."""
    exact = next((overload for overload in overloads if _takes(overload, types, dynamic=False)), None)
    return exact or next((overload for overload in overloads if _takes(overload, types, dynamic=True)), None)


def _takes(overload: Overload, types: Sequence[Type], *, dynamic: bool) -> bool:
    wanted = overload.wanted(len(types))
    return wanted is not None and all(
        takes(want, have, dynamic=dynamic) for want, have in zip(wanted, types, strict=True)
    )


def _dynamic(overload: Overload, types: Sequence[Type]) -> bool:
    wanted = overload.wanted(len(types)) or ()
    return any(unsure(want, have) for want, have in zip(wanted, types, strict=True))


def _signature(overload: Overload, call: Call) -> str:
    wanted = overload.takes if call.target is None else overload.takes[1:]
    receiver = "" if call.target is None else f"{show(overload.takes[0])}."
    return f"{receiver}{call.function}({', '.join(show(of) for of in wanted)}{', …' if overload.many else ''})"


def _misused(call: Call, name: str, usage: str) -> Problem:
    return Problem(ILL_TYPED, f"`{name}` is not used that way", call.span, (f"It is written `{usage}`.",))


def _unknown(call: Call, table: Mapping[str, object]) -> Problem:
    name = call.function
    if name in MACROS or name == "has":
        return _misused(call, name, "has(a.b)" if name == "has" else MACROS[name].usage)
    other = METHODS if call.target is None else FUNCTIONS
    what = "function" if call.target is None else "method"
    if name in other:
        usage = f"x.{name}(…)" if call.target is None else f"{name}(x)"
        return Problem("unknown-function", f"there is no {what} `{name}`", call.span, (f"It is written `{usage}`.",))
    bound = (macro for macro in MACROS if "." not in macro)
    known = sorted((*table, *(("merge", "has") if call.target is None else bound)))
    notes = did_you_mean(nearest(name, known)) or there_are(known)
    return Problem("unknown-function", f"there is no {what} `{name}`", call.span, notes)
