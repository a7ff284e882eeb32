"""The one walk that rebuilds expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from saltern_compiler.expr.ast import Call, Expr, Index, ListExpr, Macro, MapExpr, Select


def with_parts(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Rebuild an expression of its changed parts; spans, names and marks stay. A pass decides in `change` how deep it goes."""
    match expr:
        case Macro(target=target, steps=steps):
            return replace(expr, target=change(target), steps=tuple(change(step) for step in steps))
        case Call(args=args, target=receiver):
            changed = None if receiver is None else change(receiver)
            return replace(expr, args=tuple(change(arg) for arg in args), target=changed)
        case Select(base=base):
            return replace(expr, base=change(base))
        case Index(base=base, index=index):
            return replace(expr, base=change(base), index=change(index))
        case ListExpr(items=items):
            return replace(expr, items=tuple(change(item) for item in items))
        case MapExpr(entries=entries):
            return replace(expr, entries=tuple((change(key), change(value)) for key, value in entries))
    return expr
