"""Finds the comments of a text and what they are about."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lark import Token, Tree

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.expr.literals import EscapeError, read_string
from saltern_compiler.frontend.language.tokens import Comment, Tok, attach, parse_tokens
from saltern_compiler.frontend.notation import Directive, Directives
from saltern_compiler.frontend.remarks import (
    BEFORE,
    BESIDE,
    DIRECTIVE,
    END,
    INSIDE,
    NODE,
    START,
    Orders,
    Remark,
    Where,
    comment_text,
)
from saltern_compiler.frontend.statements import else_name
from saltern_compiler.ir.attempts import PARTS, part_id
from saltern_compiler.ir.pipeline import RETURN
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import COMPENSATE, ELSE, ERROR, THEN, case_handle

_STATEMENTS: Final = frozenset(
    ["node", "if_branch", "switch", "foreach", "while_region", "try_region", "parallel", "result"]
)
_SECTIONS: Final = {
    "pipeline": START, "description": "description", "settings": "settings", "budget": "budget", "input": "input", "output": "output",
    "use": "use ", "secret": "secret ", "connection": "connection ", "trigger": "trigger ",
}  # fmt: skip
_ENTRIES: Final = frozenset({"map_entry", "field"})
_CONTAINERS: Final = frozenset({"params", "object_type", "map"})


@dataclass(frozen=True, slots=True)
class _Place:
    """What the tokens of a tree are about."""

    anchor: str
    part: str = ""
    arm: str = ""
    """The handle whose block they stand in."""
    is_open: bool = True
    """Entries count as parts: not inside of an entry."""
    region: str = ""
    """The node whose body they stand in."""


def read_remarks(text: str) -> tuple[list[Remark], Orders]:
    """Return the comments of a text whose syntax is right, in its order, and the orders of its keys."""
    tree = parse_tokens(text)
    tokens = attach(tree, text)
    remarks: list[Remark] = []
    firsts: set[int] = set()
    for token, place, is_first, closes in _walk(tree):
        tok = tokens.by_start[token.start_pos or 0]
        where: Where = INSIDE if closes and not is_first else BEFORE
        at = replace(place, part=place.arm or place.part) if closes else place
        remarks += [Remark(at.anchor, comment_text(group), at.part, where) for group in _groups(tok)]
        if tok.trail:
            remarks.append(Remark(place.anchor, comment_text([tok.trail]), place.part or place.arm, BESIDE))
        firsts.add(tok.start)
    remarks += [Remark(END, comment_text(group)) for group in _groups(tokens.end)]
    return _one_beside_each(remarks), _orders(tree)


def read_directives(text: str) -> Directives:
    """Return the comments that speak to the checks, of a text whose syntax is right; offsets are those of the text."""
    tree = parse_tokens(text)
    tokens = attach(tree, text)
    lines: list[Directive] = []
    starts: list[int] = []
    places: list[_Place] = []
    for token, place, is_first, closes in _walk(tree):
        tok = tokens.by_start[token.start_pos or 0]
        starts.append(tok.start)
        places.append(place)
        at = replace(place, part=place.arm or place.part) if closes and not is_first else place
        lines += [_directive(comment.text, comment.start, at.anchor, at.part) for comment in tok.lead]
        lines.append(_directive(tok.trail, tok.trail_start, place.anchor, place.part or place.arm))
    lines += [_directive(comment.text, comment.start, END, "") for comment in tokens.end.lead]

    def about(origin: Origin) -> tuple[str, str]:
        at = bisect_right(starts, origin.start or 0) - 1
        return (places[at].anchor, places[at].part) if at >= 0 else (START, "")

    return Directives([line for line in lines if line.text.startswith(DIRECTIVE)], about)


def _directive(comment: str, start: int, anchor: str, part: str) -> Directive:
    return Directive(comment_text([comment]).strip(), anchor, part, Origin(None, start, start + len(comment)))


def _one_beside_each(remarks: list[Remark]) -> list[Remark]:
    taken: set[tuple[str, str, str]] = set()
    kept: list[Remark] = []
    for remark in remarks:
        kept.append(replace(remark, where=BEFORE) if remark.where == BESIDE and remark.key in taken else remark)
        taken.add(remark.key)
    return kept


def _groups(tok: Tok) -> list[list[str]]:
    groups: list[list[Comment]] = []
    for comment in tok.lead:
        if groups and not comment.blank:
            groups[-1].append(comment)
        else:
            groups.append([comment])
    return [[comment.text for comment in group] for group in groups]


def _walk(tree: Tree[Token] | Token) -> Iterator[tuple[Token, _Place, bool, bool]]:
    """Yield each token with what it is about, whether it is the first of that, and whether it closes a bracket of it."""
    triggers = iter(range(1_000_000))
    waiting: list[tuple[Tree[Token] | Token, _Place, bool, bool]] = [(tree, _Place(START), True, False)]
    while waiting:
        part, place, first, closes = waiting.pop()
        if isinstance(part, Token):
            yield part, place, first, closes
            continue
        rule = str(part.data)
        own = _place(part, rule, place, triggers)
        first = own is not place or first
        handles = _handles(part, rule)
        children: list[tuple[Tree[Token] | Token, _Place, bool, bool]] = []
        for number, child in enumerate(part.children):
            inner = replace(own, arm=handles[number]) if number in handles else own
            if rule == "try_region" and number in handles:
                inner = replace(inner, region=part_id(own.anchor.removeprefix(NODE), handles[number]))
            last = number == len(part.children) - 1 and number > 0
            ends = last and own.is_open and rule in {*_CONTAINERS, "block", "switch", "parallel"}
            children.append((child, inner, first and number == 0, ends))
        waiting.extend(reversed(children))


def _place(tree: Tree[Token], rule: str, place: _Place, triggers: Iterator[int]) -> _Place:
    words = [child for child in tree.children if isinstance(child, Token)]
    if rule in _STATEMENTS:
        named = any(word.type == "EQUAL" for word in words)
        name = str(next(word for word in words if word.type == "IDENT") if named else words[0])
        if rule == "result" and name != RETURN:
            name = f"{place.region}/{name}"
        owns = rule in ("foreach", "while_region") or any(
            isinstance(child, Tree) and child.data == "body" for child in tree.children
        )
        return _Place(NODE + name, region=name if owns else place.region)
    if rule in _SECTIONS:
        prefix = _SECTIONS[rule]
        if rule == "trigger":
            return _Place(f"{prefix}{next(triggers)}")
        name = next((str(word) for word in words if word.type == "IDENT"), "")
        return _Place(prefix + name if prefix.endswith(" ") else prefix)
    if rule == "else_if":
        return _Place(NODE + else_name(place.anchor.removeprefix(NODE)), region=place.region)
    if rule == "parallel_arm":
        name = str(words[0])
        return replace(place, part=name, arm="", region=part_id(place.anchor.removeprefix(NODE), name))
    if rule in ("handler", "compensate"):
        return replace(place, part=ERROR if rule == "handler" else COMPENSATE, arm="")
    if rule == "arm":
        return replace(place, part=_first_case(tree), arm="")
    if rule in _ENTRIES and place.is_open:
        return replace(place, part=_key(tree), arm="", is_open=False)
    return place


def _handles(tree: Tree[Token], rule: str) -> dict[int, str]:
    """Return the handles of the blocks of a statement, by their number among its children."""
    blocks = [number for number, child in enumerate(tree.children) if isinstance(child, Tree) and child.data == "block"]
    names = {
        "if_branch": (THEN, ELSE),
        "else_if": (THEN, ELSE),
        "try_region": PARTS,
        "foreach": ("body",),
        "while_region": ("body",),
        "body": ("body",),
    }.get(rule, ())
    return dict(zip(blocks, names, strict=False))


def _first_case(arm: Tree[Token]) -> str:
    return min(_case(child) for child in arm.children if isinstance(child, Tree) and child.data == "case")


def _case(case: Tree[Token]) -> str:
    tokens = [child for child in case.children if isinstance(child, Token)]
    if tokens[-1].type == "ELSE":
        return ELSE
    if tokens[-1].type == "STRING":
        return case_handle(read_string(str(tokens[-1])))
    value = {"true": True, "false": False, "null": None}.get(str(tokens[-1]), "".join(tokens))
    return case_handle(value)


def _key(entry: Tree[Token]) -> str:
    first = entry.children[0]
    token = first.children[0] if isinstance(first, Tree) else first
    if not isinstance(token, Token):
        return ""
    if token.type == "STRING":
        try:
            return read_string(str(token))
        except EscapeError:
            return ""
    return str(token)


def _orders(tree: Tree[Token] | Token) -> Orders:
    """Collect the keys of each object; of two with the same keys the first counts."""
    orders: Orders = {}
    waiting: list[Tree[Token] | Token] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Token):
            continue
        keys = [_key(child) for child in part.children if isinstance(child, Tree) and child.data in _ENTRIES]
        if len(keys) > 1:
            orders.setdefault(frozenset(keys), tuple(keys))
        waiting.extend(reversed(part.children))
    return orders
