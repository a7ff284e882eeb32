"""A syntax tree with a type at every node, and what typing knows at a place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Final, TypeAlias

from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Macro, children
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.signatures import Overload
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import Type

ILL_TYPED: Final = "ill-typed-expression"


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression with its type; `parts` stand for the expression's children, in their order."""

    expr: Expr
    type: Type
    parts: tuple[Typed, ...] = ()
    fails: bool = False
    """Whether evaluating it may raise."""
    skips: frozenset[str] = frozenset()
    """Names that may have been skipped and that it reads as if they had not."""
    overload: Overload | None = None
    """Of a call of a function or method: the signature that its types choose."""


def gathered(expr: Expr, of: Type, parts: tuple[Typed, ...], *, fails: bool = False) -> Typed:
    """Return a typed expression that fails and skips where a part of it does."""
    skips = frozenset[str]().union(*(part.skips for part in parts))
    return Typed(expr, of, parts, fails or any(part.fails for part in parts), skips)


Report: TypeAlias = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditions around a place have proven of expressions: `there`: neither absent nor skipped; `filled`: not null."""

    there: frozenset[Expr] = frozenset()
    filled: frozenset[Expr] = frozenset()

    def __or__(self, other: Facts) -> Facts:
        return Facts(self.there | other.there, self.filled | other.filled)

    def without(self, name: str) -> Facts:
        """Forget what was known of a name that now means something else."""
        kept = [frozenset(fact for fact in facts if not _mentions(fact, name)) for facts in (self.there, self.filled)]
        return Facts(*kept)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known at a place: variables of macros, facts, and whether a skipped value is taken care of."""

    variables: Mapping[str, Type] = field(default_factory=dict)
    facts: Facts = Facts()
    guarded: bool = False

    def binding(self, name: str, of: Type) -> Scope:
        """Return the scope inside a macro."""
        return replace(self, variables={**self.variables, name: of}, facts=self.facts.without(name), guarded=False)

    def knowing(self, facts: Facts) -> Scope:
        """Return the scope where further facts hold."""
        return replace(self, facts=self.facts | facts)


def _mentions(expr: Expr, name: str) -> bool:
    return (isinstance(expr, Ident) and expr.name == name) or any(_mentions(part, name) for part in children(expr))


def facts(condition: Expr, *, holds: bool) -> Facts:
    """Return what is proven where a condition holds, or where it does not."""
    match condition:
        case Call(function="!_", args=(inner,)):
            return facts(inner, holds=not holds)
        case Call(function="_&&_", args=(left, right)) if holds:
            return facts(left, holds=True) | facts(right, holds=True)
        case Call(function="_||_", args=(left, right)) if not holds:
            return facts(left, holds=False) | facts(right, holds=False)
        case Call(function="_!=_" | "_==_", args=(left, right)) if holds is (condition.function == "_!=_"):
            return _not_null(left, right)
        case Macro(kind="has", target=target) if holds:
            return Facts(there=frozenset(_chain(target)))
        case _:
            return Facts()


def _not_null(left: Expr, right: Expr) -> Facts:
    null = Const(None)
    if right == null:
        return Facts(frozenset({left}), frozenset({left}))
    return Facts(frozenset({right}), frozenset({right})) if left == null else Facts()


def _chain(expr: Expr) -> Iterable[Expr]:
    """Yield an expression and the name at its root, which are both there if it is."""
    yield expr
    root = expr
    while not isinstance(root, Ident):
        parts = children(root)
        if not parts:
            return
        root = parts[0]
    yield root
