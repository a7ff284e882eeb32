"""Python expressions as documents, by the rules of ruff's formatter: where an expression may break, when it gets parentheses.

The source is one line of valid Python. A comma before a closing bracket keeps that bracket open, as it does for ruff.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import count
from typing import Final, TypeAlias

from saltern_compiler.layout import LINE, SOFT, BestFit, Doc, FitsExpanded, Group, IfBreaks, Indent, join
from saltern_runtime.dataclass import dataclass
from saltern_targets.precedence import (
    BINARY,
    COMPARE,
    LOGICAL,
    LOOSE,
    OPERATORS,
    POSTFIX,
    UNARIES,
    UNARY,
    can_go_without,
    precedence,
)
from saltern_targets.strings import split_text


@dataclass(frozen=True, slots=True)
class Within:
    """Inside parentheses that appear only where their group breaks."""

    group: int


FREE: Final = "free"
"""Where a line break would be a syntax error."""
INSIDE: Final = "inside"
"""Inside brackets."""
Level: TypeAlias = str | Within


@dataclass(frozen=True, slots=True)
class _Operator:
    text: str
    binds: int


_Part: TypeAlias = "Doc | _Operator"


def bracketed(left: str, body: Doc, right: str, level: Level = INSIDE, *, broken: bool = False) -> Doc:
    """Put brackets around a body, which breaks after the left and before the right one."""
    if body == ():
        return left + right
    whole = Group((left, Indent((SOFT, body)), SOFT, right), broken=broken)
    return FitsExpanded(whole, level.group) if isinstance(level, Within) else whole


def listed(docs: Sequence[Doc]) -> Doc:
    """Join by commas, with one after the last where the enclosing group breaks."""
    return (join(docs, (",", LINE)), IfBreaks(",")) if docs else ()


@dataclass
class Expressions:
    """Turns the expressions of one line of source into documents."""

    source: bytes
    _groups: Iterator[int] = field(default_factory=count)

    def last(self, of: ast.expr) -> Doc:
        """Print the last expression of a statement: in parentheses only where that helps (ruff's `IfBreaks`)."""
        inner = of
        while isinstance(inner, ast.UnaryOp) and precedence(inner.operand) >= precedence(inner):
            inner = inner.operand
        if isinstance(inner, ast.Constant | ast.Name | ast.JoinedStr):
            return BestFit(self.of(of, FREE))
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            return BestFit(self.of(of, FREE))
        if isinstance(inner, ast.Lambda):
            return self._in_parentheses_if_broken(of)
        if not isinstance(inner, (ast.IfExp, *BINARY)):
            return self.of(of, FREE)
        if not can_go_without(of):
            return self._in_parentheses_if_broken(of)
        group = next(self._groups)
        body = self.of(of, Within(group))
        return Group((IfBreaks("("), Indent((SOFT, body), group=group), SOFT, IfBreaks(")")), name=group)

    def of(self, of: ast.expr, level: Level) -> Doc:
        """Print an expression at a level."""
        match of:
            case ast.BinOp() | ast.BoolOp() | ast.Compare():
                return self._group(self._operators(self._flatten(of, level), level), level)
            case ast.IfExp():
                return self._group(self._conditional(of, level), level)
            case ast.UnaryOp(op=op, operand=operand):
                return (UNARIES[type(op)], self._operand(operand, precedence(of), level))
            case ast.Await(value=value):
                return ("await ", self._operand(value, POSTFIX, level))
            case ast.Starred(value=value):
                return ("*", self._operand(value, UNARY, level))
            case ast.Attribute(value=value, attr=attr):
                return (self._operand(value, POSTFIX, level), f".{attr}")
            case ast.Call(func=func):
                return (self._operand(func, POSTFIX, level), self._arguments(of, level))
            case ast.Subscript(value=value, slice=index):
                return (self._operand(value, POSTFIX, level), self._subscript(index, level))
            case _:
                return self._display(of, level)

    def _display(self, of: ast.expr, level: Level) -> Doc:
        """Print what has brackets of its own; anything else stands as it is in the source."""
        match of:
            case ast.Tuple(elts=[only]):
                return bracketed("(", (self._item(only), ","), ")", level)
            case ast.List(elts=elts):
                return self._collection("[", [self._item(element) for element in elts], "]", of, level)
            case ast.Set(elts=elts):
                return self._collection("{", [self._item(element) for element in elts], "}", of, level)
            case ast.Tuple(elts=elts):
                return self._collection("(", [self._item(element) for element in elts], ")", of, level)
            case ast.Dict():
                return self._collection("{", self._entries(of), "}", of, level)
            case ast.ListComp(elt=elt, generators=generators):
                return bracketed("[", self._comprehension(self.of(elt, INSIDE), generators), "]", level)
            case ast.SetComp(elt=elt, generators=generators):
                return bracketed("{", self._comprehension(self.of(elt, INSIDE), generators), "}", level)
            case ast.GeneratorExp(elt=elt, generators=generators):
                return bracketed("(", self._comprehension(self.of(elt, INSIDE), generators), ")", level)
            case ast.DictComp(key=key, value=value, generators=generators):
                pair = (self.of(key, INSIDE), ": ", self.of(value, INSIDE))
                return bracketed("{", self._comprehension(pair, generators), "}", level)
            case _:
                return self._segment(of)

    def _segment(self, of: ast.expr) -> str:
        return self.source[of.col_offset : of.end_col_offset].decode()

    def _in_parentheses_if_broken(self, of: ast.expr) -> Doc:
        return Group((IfBreaks("("), Indent((SOFT, self.of(of, INSIDE))), SOFT, IfBreaks(")")))

    def _item(self, of: ast.expr) -> Doc:
        """Print an expression between commas, or after a colon or an equals sign."""
        if isinstance(of, LOOSE):
            return self._in_parentheses_if_broken(of)
        return self._text(of) or self.of(of, INSIDE)

    def _text(self, of: ast.expr) -> Doc | None:
        """Print a text of several lines: whole where it fits, else one literal for each of its lines."""
        if not isinstance(of, ast.JoinedStr | ast.Constant):
            return None
        whole = self._segment(of)
        pieces = split_text(whole)
        if len(pieces) < 2:
            return None
        lines = Group(IfBreaks(join(pieces, LINE), whole))
        return Group((IfBreaks("("), Indent((SOFT, lines)), SOFT, IfBreaks(")")))

    def _group(self, body: Doc, level: Level) -> Doc:
        if level == INSIDE:
            return Group(body)
        return Group(body, only_if=level.group) if isinstance(level, Within) else body

    def _line(self, level: Level) -> Doc:
        """Return a place that may break only inside brackets or parentheses."""
        if level == INSIDE:
            return LINE
        return IfBreaks(LINE, " ", group=level.group) if isinstance(level, Within) else " "

    def _collection(self, left: str, docs: list[Doc], right: str, of: ast.expr, level: Level) -> Doc:
        return bracketed(left, listed(docs), right, level, broken=bool(docs) and self._is_kept_open(of))

    def _is_kept_open(self, of: ast.expr) -> bool:
        end = of.end_col_offset or 0
        return self.source[of.col_offset : end - 1].rstrip().endswith(b",")

    def _entries(self, of: ast.Dict) -> list[Doc]:
        return [
            ("**", self.of(value, INSIDE)) if key is None else (self.of(key, INSIDE), ": ", self._item(value))
            for key, value in zip(of.keys, of.values, strict=True)
        ]

    def _arguments(self, of: ast.Call, level: Level) -> Doc:
        docs: list[Doc]
        if len(of.args) == 1 and not of.keywords:
            only = of.args[0]
            if isinstance(only, ast.GeneratorExp):
                return self.of(only, level)
            docs = [self._text(only) or self.of(only, INSIDE)]
        else:
            docs = [self._item(argument) for argument in of.args]
            docs += [(f"{keyword.arg}=" if keyword.arg else "**", self._item(keyword.value)) for keyword in of.keywords]
        if not docs:
            return "()"
        broken = self._is_kept_open(of)
        return bracketed("(", Group(listed(docs), broken=broken), ")", level, broken=broken)

    def _subscript(self, index: ast.expr, level: Level) -> Doc:
        if isinstance(index, ast.Tuple) and index.elts:
            body: Doc = Group(listed([self.of(element, INSIDE) for element in index.elts]))
        elif isinstance(index, ast.Slice):
            body = self._segment(index)
        else:
            body = self.of(index, INSIDE)
        return bracketed("[", body, "]", level)

    def _comprehension(self, element: Doc, generators: list[ast.comprehension]) -> Doc:
        parts: list[Doc] = [Group(element)]
        for generator in generators:
            parts += [LINE, f"for {self._segment(generator.target)} in ", self._operand(generator.iter, 1, INSIDE)]
            for test in generator.ifs:
                parts += [LINE, Group(("if ", self._operand(test, 1, INSIDE)))]
        return Group(tuple(parts))

    def _operand(self, of: ast.expr, least: int, level: Level) -> Doc:
        """Print a part of an expression, in parentheses where it binds less tightly than `least`."""
        if precedence(of) >= least:
            return self.of(of, level)
        return bracketed("(", self.of(of, INSIDE), ")", level)

    def _conditional(self, of: ast.IfExp, level: Level) -> Doc:
        line = self._line(level)
        body = self._group(self._operand(of.body, 1, level), level)
        test = self._group(self._operand(of.test, 1, level), level)
        if isinstance(of.orelse, ast.IfExp):
            rest = self._conditional(of.orelse, level)
        else:
            rest = self._group(self.of(of.orelse, level), level)
        return (body, line, "if ", test, line, "else ", rest)

    def _flatten(self, of: ast.expr, level: Level) -> list[_Part]:
        """Return operands and operators in turns, from all depths that need no parentheses."""
        match of:
            case ast.BoolOp(op=logical, values=values):
                text, binds = OPERATORS[type(logical)]
                parts = self._flat_operand(values[0], binds + 1, level)
                for value in values[1:]:
                    parts += [_Operator(text, LOGICAL), *self._flat_operand(value, binds + 1, level)]
                return parts
            case ast.BinOp(left=left, op=binary, right=right):
                text, binds = OPERATORS[type(binary)]
                parts = self._flat_operand(left, binds, level)
                return [*parts, _Operator(text, binds), *self._flat_operand(right, binds + 1, level)]
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                parts = self._flat_operand(left, COMPARE + 1, level)
                for operator, right in zip(ops, comparators, strict=True):
                    parts += [_Operator(*OPERATORS[type(operator)]), *self._flat_operand(right, COMPARE + 1, level)]
                return parts
        raise AssertionError(of)

    def _flat_operand(self, of: ast.expr, least: int, level: Level) -> list[_Part]:
        if isinstance(of, BINARY) and precedence(of) >= least:
            return self._flatten(of, level)
        return [self._operand(of, least, level)]

    def _operators(self, parts: list[_Part], level: Level) -> Doc:
        """Break at the loosest operators first; what stands between them is a group of its own."""
        if len(parts) == 1 and not isinstance(parts[0], _Operator):
            return parts[0]
        loosest = min(part.binds for part in parts if isinstance(part, _Operator))
        docs: list[Doc] = []
        start = 0
        for index, part in enumerate(parts):
            if isinstance(part, _Operator) and part.binds == loosest:
                docs += [self._part(parts[start:index], level), self._line(level), f"{part.text} "]
                start = index + 1
        docs.append(self._part(parts[start:], level))
        return tuple(docs)

    def _part(self, parts: list[_Part], level: Level) -> Doc:
        doc = self._operators(parts, level)
        return doc if len(parts) == 1 else self._group(doc, level)
