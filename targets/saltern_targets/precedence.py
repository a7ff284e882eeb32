"""How Python's operators bind, and where ruff's formatter lets an expression go without parentheses."""

from __future__ import annotations

import ast
from dataclasses import field
from typing import Final

from saltern_runtime.dataclass import dataclass

LAMBDA, CONDITIONAL, OR, AND, NOT, COMPARE, SUM, PRODUCT, UNARY, POSTFIX, ATOM = -1, 0, 1, 2, 3, 4, 9, 10, 11, 12, 13
"""How tightly expressions bind, the loosest first."""
BIT_OR, BIT_XOR, BIT_AND = 5, 6, 7
"""Between `COMPARE` and `SUM`."""
OPERATORS: Final[dict[type[ast.AST], tuple[str, int]]] = {
    ast.Or: ("or", OR), ast.And: ("and", AND),
    ast.In: ("in", COMPARE), ast.NotIn: ("not in", COMPARE), ast.Is: ("is", COMPARE), ast.IsNot: ("is not", COMPARE),
    ast.Lt: ("<", COMPARE), ast.LtE: ("<=", COMPARE), ast.Gt: (">", COMPARE), ast.GtE: (">=", COMPARE), ast.Eq: ("==", COMPARE),
    ast.NotEq: ("!=", COMPARE),
    ast.BitOr: ("|", BIT_OR), ast.BitXor: ("^", BIT_XOR), ast.BitAnd: ("&", BIT_AND), ast.LShift: ("<<", 8), ast.RShift: (">>", 8),
    ast.Add: ("+", SUM), ast.Sub: ("-", SUM), ast.Mult: ("*", PRODUCT), ast.MatMult: ("@", PRODUCT), ast.Div: ("/", PRODUCT),
    ast.FloorDiv: ("//", PRODUCT), ast.Mod: ("%", PRODUCT),
}  # fmt: skip
"""Operator → its text and how tightly it binds."""
UNARIES: Final[dict[type[ast.AST], str]] = {ast.Not: "not ", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
LOGICAL: Final = OR
"""Where lines break, `and` counts like `or`."""
BINARY: Final = (ast.BinOp, ast.BoolOp, ast.Compare)
LOOSE: Final = (*BINARY, ast.IfExp, ast.UnaryOp)
"""Expressions that may need parentheses to break."""
_BRACKETS: Final = (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def precedence(of: ast.expr) -> int:
    """Return how tightly an expression binds, where it stands as an operand: a lambda like a conditional."""
    match of:
        case ast.Lambda() | ast.IfExp() | ast.NamedExpr() | ast.Yield():
            return CONDITIONAL
        case ast.BoolOp(op=logical):
            return OPERATORS[type(logical)][1]
        case ast.BinOp(op=binary):
            return OPERATORS[type(binary)][1]
        case ast.Compare():
            return COMPARE
        case ast.UnaryOp(op=ast.Not()):
            return NOT
        case ast.UnaryOp() | ast.Await():
            return UNARY
        case ast.Call() | ast.Attribute() | ast.Subscript():
            return POSTFIX
        case _:
            return ATOM


def can_go_without(of: ast.expr) -> bool:
    """Whether breaking inside the brackets of an expression is preferred to parentheses around the whole.

    Ruff's `can_omit_optional_parentheses`: at most one operator, and brackets with something in them at one of the ends.
    """
    scan = _Scan()
    scan.visit(of, 0)
    if not scan.any_brackets or scan.operators > 1:
        return False
    if scan.tightness is None or scan.only_attributes:
        return True
    return any(id(end) in scan.in_parentheses or _has_brackets(end) for end in (scan.first, scan.last))


@dataclass
class _Scan:
    """What `can_go_without` looks at: the loosest operators, and the first and last operand."""

    any_brackets: bool = False
    tightness: int | None = None
    operators: int = 0
    only_attributes: bool = False
    first: ast.expr | None = None
    begins_with_token: bool = False
    last: ast.expr | None = None
    in_parentheses: set[int] = field(default_factory=set)

    def visit(self, of: ast.expr, least: int) -> None:
        self.last = of
        if precedence(of) < least:
            self.any_brackets = True
            self.in_parentheses.add(id(of))
            self._begin(of)
            return
        self._visit_inside(of)
        self._begin(of)

    def _begin(self, of: ast.expr) -> None:
        if self.first is None and not self.begins_with_token:
            self.first = of

    def _count(self, tightness: int, times: int = 1) -> None:
        if self.tightness is None or tightness < self.tightness:
            self.tightness, self.operators = tightness, times
        elif tightness == self.tightness:
            self.operators += times

    def _visit_inside(self, of: ast.expr) -> None:  # noqa: C901 - one flat table of kinds of expressions
        match of:
            case ast.BoolOp(op=logical, values=values):
                own = OPERATORS[type(logical)][1]
                self._count(LOGICAL, len(values) - 1)
                for value in values:
                    self.visit(value, own + 1)
            case ast.BinOp(left=left, op=binary, right=right):
                own = OPERATORS[type(binary)][1]
                self._count(own)
                self.visit(left, own)
                self.visit(right, own + 1)
            case ast.Compare(left=left, comparators=comparators):
                self._count(COMPARE, len(comparators))
                self.visit(left, COMPARE + 1)
                for value in comparators:
                    self.visit(value, COMPARE + 1)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._count(0, 2)
                self.visit(body, 1)
                self.visit(test, 1)
                self.visit(orelse, 0)
            case ast.UnaryOp(operand=operand):
                self.begins_with_token = self.first is None
                self.visit(operand, precedence(of))
            case ast.Call(func=inner) | ast.Subscript(value=inner):
                self.any_brackets = True
                self.visit(inner, POSTFIX)
                self.last = of
            case ast.Attribute(value=value):
                self.visit(value, POSTFIX)
                if isinstance(value, (ast.Call, ast.Subscript, *_BRACKETS)) or precedence(value) < POSTFIX:
                    self._count(ATOM)
                self.last = of
            case _ if isinstance(of, _BRACKETS):
                self.any_brackets = True
            case _:
                pass


def _has_brackets(of: ast.expr | None) -> bool:
    match of:
        case ast.Call(args=args, keywords=keywords):
            return bool(args or keywords)
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return bool(elts)
        case ast.Dict(keys=keys):
            return bool(keys)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return True
        case _:
            return False
