"""What a row of the table of functions is: a name, what it takes and gives, a line about it, an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from saltern_compiler.expr.kinds import ANY, NULL, join, kind, widened
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import ListType, MapType, ObjectType, Primitive, Type, UnionType, is_nullable, union

VALUE: Final = Primitive("value")
"""In a signature: whatever its type, null too; `any` stands for dynamic values alone."""
T: Final = Primitive("T")
"""In a signature: one type, whatever it is; what a call gives is made of the types that it is given."""
U: Final = Primitive("U")
"""As `T`, another one."""
NUMBER: Final = Primitive("number")
"""As `T`, of int, double or uint; an enumeration of numbers opens up."""
INTEGER: Final = Primitive("integer")
"""As `NUMBER`, of int or uint."""
ORDERED: Final = Primitive("ordered")
"""As `T`, of what has an order."""
LIST: Final = ListType(ANY)
MAP: Final = MapType(ANY)

_WIDTHS: Final[Mapping[Type, frozenset[str]]] = {
    NUMBER: frozenset({"int", "double", "uint"}),
    INTEGER: frozenset({"int", "uint"}),
    ORDERED: frozenset({"bool", "int", "double", "uint", "string", "bytes", "timestamp", "duration"}),
}
VARIABLES: Final = frozenset({T, U, *_WIDTHS})


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature. A receiver is the first of `takes`."""

    takes: tuple[Type, ...]
    gives: Type
    fails: bool = False
    many: bool = False
    """Whether the last value may stand any number of times."""

    def wanted(self, count: int) -> tuple[Type, ...] | None:
        """Return the types that a call with so many values is to have; None where it cannot have so many."""
        missing = count - len(self.takes)
        if missing and not (self.many and missing > 0):
            return None
        return self.takes + self.takes[-1:] * missing


@dataclass(frozen=True, slots=True)
class Function:
    """A row of the table: a function or a method with all its signatures."""

    name: str
    overloads: tuple[Overload, ...]
    doc: str
    """What it gives, in one line."""
    example: str
    """An expression that is true."""
    method: bool = False
    ours: bool = False
    """Whether neither CEL nor one of its extensions has it."""


@dataclass(frozen=True, slots=True)
class MacroRow:
    """A row of the table: what binds names and evaluates its steps for each item."""

    name: str
    usage: str
    doc: str
    example: str
    shapes: tuple[tuple[int, int], ...] = ((1, 1),)
    """How many names it may bind, and with how many steps behind them."""
    ours: bool = False


def takes(wanted: Type, given: Type, *, dynamic: bool) -> bool:
    """Whether a signature that wants one type takes another; `dynamic`: also where that shows only when it runs."""
    given = _one_list(given)
    if wanted in (VALUE, T, U):
        return True
    if dynamic and kind(given) == "any":
        return True
    if wanted in _WIDTHS:
        return kind(given) in _WIDTHS[wanted] and not is_nullable(given)
    if isinstance(wanted, ListType) and isinstance(given, ListType):
        return wanted.item == ANY or takes(wanted.item, given.item, dynamic=dynamic)
    pair = (kind(wanted), kind(given))
    return pair[0] == pair[1] or pair in (("map", "object"), ("any", "mixed"))


def unsure(wanted: Type, given: Type) -> bool:
    """Whether only running shows that a value is of the type that a signature wants."""
    if wanted in (ANY, VALUE, T, U):
        return False
    if isinstance(wanted, ListType) and isinstance(given, ListType):
        return unsure(wanted.item, given.item)
    return kind(given) == "any"


def given(overload: Overload, types: Sequence[Type]) -> Type:
    """Return what a call gives whose values have these types."""
    wanted = overload.wanted(len(types)) or ()
    found = [pair for want, have in zip(wanted, types, strict=True) for pair in _solutions(want, have)]
    return _filled(overload.gives, found)


def without_variables(of: Type) -> Type:
    """Return the type that a signature wants where nothing is known: its variables are dynamic."""
    return _filled(of, [(variable, ANY) for variable in VARIABLES])


def _solutions(wanted: Type, have: Type) -> Iterator[tuple[Type, Type]]:
    have = _one_list(have)
    match wanted, have:
        case _ if wanted in VARIABLES:
            yield wanted, have
        case ListType(item=inner), ListType(item=item):
            yield from _solutions(inner, item)
        case MapType(value=inner), MapType(value=value):
            yield from _solutions(inner, value)
        case MapType(value=inner), ObjectType(fields=fields):
            yield from _solutions(inner, join(field.type for field in fields) if fields else ANY)
        case ((ListType(item=inner) | MapType(value=inner)), _):
            yield from _solutions(inner, ANY)


def _filled(of: Type, found: Sequence[tuple[Type, Type]]) -> Type:
    match of:
        case ListType(item=item):
            return ListType(_filled(item, found))
        case MapType(value=value):
            return MapType(_filled(value, found))
        case UnionType(members=members):
            parts = [_filled(member, found) for member in members]
            return ANY if ANY in parts else union(*parts)
        case ObjectType():
            return replace(of, fields=tuple(replace(each, type=_filled(each.type, found)) for each in of.fields))
        case _ if of in VARIABLES:
            return _solved(of, [have for variable, have in found if variable == of])
        case _:
            return of


def _solved(variable: Type, have: Sequence[Type]) -> Type:
    if variable not in (NUMBER, INTEGER):
        return join(have)
    whole = join(widened(each) for each in have)
    return whole if kind(whole) in _WIDTHS[variable] else ANY


def _one_list(of: Type) -> Type:
    """Return the one list type that stands for several: `list<int> | list<string>` is a list of both."""
    members = [member for member in of.members if member != NULL] if isinstance(of, UnionType) else []
    items = [member.item for member in members if isinstance(member, ListType)]
    return ListType(join(items)) if items and len(items) == len(members) else of


def table(rows: Iterable[Function], *, methods: bool) -> Mapping[str, tuple[Overload, ...]]:
    """Return the signatures of all functions, or of all methods, by name."""
    return {row.name: row.overloads for row in rows if row.method is methods}


def function(name: str, doc: str, example: str, *overloads: Overload, ours: bool = False) -> Function:
    """Write a row of a function."""
    return Function(name, overloads, doc, example, ours=ours)


def method(name: str, doc: str, example: str, *overloads: Overload, ours: bool = False) -> Function:
    """Write a row of a method."""
    return Function(name, overloads, doc, example, method=True, ours=ours)
