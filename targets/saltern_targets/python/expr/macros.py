"""Macros as Python: comprehensions where nothing in them can fail silently, helpers elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, Self

from saltern_compiler.expr.ast import Expr, ListExpr, Macro, references
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.macros import VALUED
from saltern_compiler.expr.typed import Typed
from saltern_runtime.spec.types import BOOL, ListType
from saltern_targets.precedence import ATOM, COMPARE, OR
from saltern_targets.python.expr.code import Code, call, code
from saltern_targets.python.expr.operators import is_sorted_alike

_KEYED: Final[Mapping[str, str]] = {"groupBy": "list_group_by", "sortBy": "list_sort_by"}
"""Macro → the helper that takes what works out a key."""


class Printer(Protocol):
    """What prints the parts of a macro."""

    def print(self, typed: Typed) -> Code:
        """Print a part."""

    def condition(self, typed: Typed) -> Code:
        """Print a part that is a bool."""

    def binding(self, variables: Sequence[str]) -> tuple[Self, list[str]]:
        """Return what prints where names are bound, and what they are called in Python."""


def print_macro(printer: Printer, typed: Typed, expr: Macro) -> Code:
    """Print a macro that binds names."""
    target, steps = typed.parts[0], typed.parts[1:]
    if expr.kind == "cel.bind":
        inner, names = printer.binding(expr.variables)
        value, body = printer.print(target), inner.print(steps[0])
        return code(f"bind({value.text}, lambda {names[0]}: {body.text})", ATOM, value, body, helper="bind")
    if expr.kind in _KEYED:
        return _keyed(printer, target, steps[0], expr)
    filters: tuple[Typed, ...] = ()
    if expr.kind in ("map", "filter") and _filters(target.expr, expr.variables):
        target, filters = target.parts[0], target.parts[1:]
    inner, names = printer.binding(expr.variables)
    bound, items = _source(printer.print(target), target, names, expr)
    conditions = (*filters, *(steps[:-1] if expr.kind in VALUED else steps))
    if expr.kind in ("all", "exists"):
        return _quantified(inner, expr, bound, items, steps[0])
    proofs = [inner.condition(step) for step in conditions]
    loop = f"for {bound} in {items.at(OR)}"
    if expr.kind == "exists_one":
        return code(f"sum(1 {loop} if {proofs[0].at(OR)}) == 1", COMPARE, items, proofs[0])
    where = "".join(f" if {proof.at(OR)}" for proof in proofs)
    if expr.kind == "transformMapEntry":
        key, value = (inner.print(part) for part in steps[-1].parts)
        return code(
            f"mapping(*(({key.text}, {value.text}) {loop}{where}))", ATOM, key, value, items, *proofs, helper="mapping"
        )
    value = inner.print(steps[-1]) if expr.kind in VALUED else Code(names[0])
    if expr.kind == "transformMap":
        return code(f"{{{names[0]}: {value.text} {loop}{where}}}", ATOM, value, items, *proofs)
    if value.text == bound and not where:
        return items if isinstance(target.expr, ListExpr) else call("list", items, helper=False)
    return code(f"[{value.text} {loop}{where}]", ATOM, value, items, *proofs)


def _keyed(printer: Printer, target: Typed, step: Typed, expr: Macro) -> Code:
    """Print what works out a key for each item."""
    inner, names = printer.binding(expr.variables)
    items, key = printer.print(target), inner.print(step)
    if expr.kind == "sortBy" and isinstance(target.type, ListType) and is_sorted_alike(step.type):
        return code(f"sorted({items.text}, key=lambda {names[0]}: {key.text})", ATOM, items, key)
    helper = _KEYED[expr.kind]
    return code(f"{helper}({items.text}, lambda {names[0]}: {key.text})", ATOM, items, key, helper=helper)


def _source(source: Code, target: Typed, names: Sequence[str], expr: Macro) -> tuple[str, Code]:
    """Return what a loop binds, and what it goes through."""
    dynamic = kind(target.type) == "any"
    if len(names) == 1:
        return names[0], call("each", source) if dynamic else source
    if dynamic:
        return ", ".join(names), call("pairs", source)
    is_list = isinstance(target.type, ListType)
    if expr.kind != "transformMap" and not _reads(expr.steps, expr.variables[0]):
        return names[1], source if is_list else code(f"{source.at(ATOM)}.values()", ATOM, source)
    return ", ".join(names), (
        call("enumerate", source, helper=False) if is_list else code(f"{source.at(ATOM)}.items()", ATOM, source)
    )


def _reads(steps: Sequence[Expr], name: str) -> bool:
    return any(reference.name == name for step in steps for reference in references(step))


def _quantified(inner: Printer, expr: Macro, bound: str, items: Code, step: Typed) -> Code:
    if not step.fails and step.type == BOOL:
        test = inner.condition(step)
        function = "all" if expr.kind == "all" else "any"
        return code(f"{function}({test.text} for {bound} in {items.at(OR)})", ATOM, items, test)
    test = inner.print(step)
    helper = ("all_of" if expr.kind == "all" else "any_of") + ("_pairs" if "," in bound else "")
    return code(f"{helper}({items.text}, lambda {bound}: {test.text})", ATOM, items, test, helper=helper)


def _filters(expr: Expr, variables: tuple[str, ...]) -> bool:
    """Whether a list is another one filtered under the same name, so that both fit into one comprehension."""
    return isinstance(expr, Macro) and expr.kind == "filter" and expr.variables == variables
