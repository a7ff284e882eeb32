"""What an expression, a template or a value carries, of what the names in it carry.

Whatever a value was worked out of, it carries: operators, functions and conditions pass on the labels of all their operands, lengths
and comparisons too. Fields, items, lists and maps are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Final, TypeAlias

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, ListExpr, Macro, MapExpr, Select, children
from saltern_compiler.expr.library.core import DECLASSIFY
from saltern_compiler.ir.values import Expression, ListValue, ObjectValue, Template, Value
from saltern_compiler.passes.analyses.labels import (
    NONE,
    Labels,
    Step,
    everything,
    fields,
    flat,
    item,
    items,
    joined,
    part,
    stepped,
    whole,
)
from saltern_runtime.dataclass import dataclass

_SAME: Final = frozenset({"dyn", "raw", "merge", "_+_"})
"""Functions whose value is one of their operands, or has the parts of them."""
_ORDERED: Final = frozenset({"sort", "distinct", "reverse", "slice"})
"""Methods that give items of their list."""
_ONE: Final = frozenset({"first", "last"})

Cleared: TypeAlias = Callable[[Call, Origin, Labels], None]
StepAt: TypeAlias = Callable[[Origin], Step]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what values carry; `cleared` is told of each `declassify`, where it stands, and what it takes away."""

    names: Callable[[str], Labels]
    cleared: Cleared
    bound: Mapping[str, Labels] = field(default_factory=dict)
    """Variables of macros → what they carry."""
    place: Origin = NOWHERE
    """Of the expression that is read."""

    def value(self, value: Value, step_at: StepAt) -> Labels:
        """Return what is bound to a parameter: one step further than what it is made of."""
        match value:
            case Expression(expr=expr, origin=origin):
                return stepped(replace(self, place=origin).expr(expr), step_at(origin.within(*expr.span)))
            case Template(parts=parts):
                return flat(*(self.value(each, step_at) for each in parts if isinstance(each, Expression)))
            case ListValue(items=members):
                return items(joined(*(self.value(each, step_at) for each in members)))
            case ObjectValue(fields=members):
                return fields({name: self.value(each, step_at) for name, each in members})
            case _:
                return NONE

    def expr(self, of: Expr) -> Labels:  # noqa: C901 - one case a kind of expression
        """Return what an expression carries."""
        match of:
            case Const():
                return NONE
            case Ident(name=name):
                return self.bound[name] if name in self.bound else self.names(name)
            case Select(base=base, field=name):
                return part(self.expr(base), name)
            case Index(base=base, index=Const(value=str() as name)):
                return part(self.expr(base), name)
            case Index(base=base, index=index):
                return joined(item(self.expr(base)), flat(self.expr(index)))
            case ListExpr(items=members):
                return items(joined(*map(self.expr, members)))
            case MapExpr():
                return self._map(of)
            case Macro(kind="has", target=target):
                return flat(self.expr(target))
            case Macro():
                return self._macro(of)
            case Call():
                return self._call(of)

    def _map(self, of: MapExpr) -> Labels:
        made = NONE
        for key, value in of.entries:
            carried = self.expr(value)
            if isinstance(key, Const) and isinstance(key.value, str):
                made = joined(made, fields({key.value: carried}))
            else:
                made = joined(made, items(carried, everything(self.expr(key))))
        return made

    def _call(self, of: Call) -> Labels:
        match of.function, of.target, of.args:
            case (name, None, (value, *_)) if name == DECLASSIFY:
                self.cleared(of, self.place.within(*of.span), self.expr(value))
                return NONE
            case "_?_:_", None, (test, yes, no):
                return joined(flat(self.expr(test)), self.expr(yes), self.expr(no))
            case ("orValue", target, (default,)) if target is not None:
                return joined(self.expr(target), self.expr(default))
            case name, None, _ if name in _SAME:
                return joined(*map(self.expr, of.args))
            case name, target, _ if target is not None and name in _ORDERED:
                return joined(self.expr(target), flat(*map(self.expr, of.args)))
            case name, target, _ if target is not None and name in _ONE:
                return item(self.expr(target))
            case _:
                return flat(*map(self.expr, children(of)))

    def _macro(self, of: Macro) -> Labels:
        target = self.expr(of.target)
        if of.kind == "cel.bind":
            return self._with({of.variables[0]: target}).expr(of.steps[0])
        entry = item(target)
        # Of a map the one name is the key, which nothing but the map as a whole tells.
        first = entry if len(of.variables) == 1 else whole(target.own)
        bound = dict(zip(of.variables, (first, entry), strict=False))
        *conditions, last = map(self._with(bound).expr, of.steps)
        own = everything(joined(whole(target.own), flat(*conditions)))
        match of.kind:
            case "map" | "transformList" | "transformMap":
                return items(last, own)
            case "transformMapEntry":
                return joined(last, whole(own))
            case "filter" | "sortBy":
                return items(entry, everything(joined(whole(own), flat(last))))
            case "groupBy":
                return items(items(entry), everything(joined(whole(own), flat(last))))
            case _:
                return flat(whole(own), last)

    def _with(self, bound: Mapping[str, Labels]) -> Reader:
        return replace(self, bound={**self.bound, **bound})
