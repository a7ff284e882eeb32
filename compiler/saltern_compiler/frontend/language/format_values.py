"""How values, expressions and types of the language are set: the half of the formatter that statements stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from lark import Token
from lark.visitors import Transformer_NonRecursive

from saltern_compiler.frontend.language.format_template import set_template
from saltern_compiler.frontend.language.tokens import Tok
from saltern_compiler.layout import (
    BLANK,
    HARD,
    LINE,
    SOFT,
    Doc,
    Group,
    IfBreaks,
    Indent,
    breaks,
    join,
)
from saltern_runtime.dataclass import dataclass

_LEVELS: Final = {
    "RELATION": "relation",
    "IN": "relation",
    "ADDITIVE": "sum",
    "MINUS": "sum",
    "MULTIPLICATIVE": "product",
}


@dataclass(slots=True)
class Part:
    """A construct on its way to be printed: its document, its first and last token, and which rule it is of."""

    doc: Doc
    first: Tok
    last: Tok
    rule: str
    parts: Sequence[Part] = ()
    """Its constructs, where those around it lay them out."""

    @property
    def tok(self) -> Tok:
        """The token of a part that is one."""
        return self.first


def glued(parts: Sequence[Part]) -> Doc:
    """Print parts with nothing between them."""
    return tuple(part.doc for part in parts)


def spaced(parts: Sequence[Part]) -> Doc:
    """Print parts with spaces between them: none before commas, colons (`state_type` begins with one) and around parentheses."""
    docs: list[Doc] = []
    for place, part in enumerate(parts):
        before = parts[place - 1].rule if place else ""
        if docs and part.rule not in {"COMMA", "COLON", "RPAR", "LPAR", "state_type"} and before not in {"LPAR", "AT"}:
            docs.append(" ")
        docs.append(part.doc)
    return tuple(docs)


def is_expanded(opening: Tok, following: Tok) -> bool:
    """Tell whether an author began a new line after a bracket."""
    return (following.lead[0].text != "" if following.lead else False) or following.line > opening.line


def entries(parts: Sequence[Part], *, commas: bool, expanded: bool) -> Doc:
    """Print what stands in brackets: the first and the last part are the brackets."""
    opening, *inner, closing = parts
    inner = [part for part in inner if part.rule != "COMMA"]
    rest = closing.tok
    if not inner and not rest.lead:
        return (opening.doc, rest.bare())
    comma: Doc = "," if commas else IfBreaks("", ",")
    docs: list[Doc] = [opening.doc]
    body: list[Doc] = []
    for place, part in enumerate(inner):
        if place:
            body += [comma, BLANK if part.first.blank and (expanded or _any_breaks(inner)) else LINE]
        else:
            body.append(LINE)
        body.append(part.doc)
    if rest.lead:
        body += [BLANK if inner and rest.blank else HARD, rest.comments()]
    docs += [Indent(tuple(body)), HARD if rest.lead else LINE, rest.bare()]
    return Group(tuple(docs), broken=expanded)


def _any_breaks(parts: Sequence[Part]) -> bool:
    return any(breaks(part.doc) for part in parts)


Parts: TypeAlias = list[Part]
Docs: TypeAlias = list[Doc]


class ValueSetter(Transformer_NonRecursive[Token, Part]):
    """Sets values: one method for each rule of the grammar whose parts do not simply stand one after another."""

    def __init__(self, tokens: dict[int, Tok], inline: Callable[[str], str | None]) -> None:
        super().__init__()
        self.tokens = tokens
        self.inline = inline
        """Sets an expression on one line; None where that cannot be."""

    def __default_token__(self, token: Token) -> Part:
        tok = self.tokens[token.start_pos or 0]
        if tok.kind == "TEMPLATE":
            return Part(tok.doc(set_template(tok.text, self.inline)), tok, tok, tok.kind)
        if tok.kind in {"AT_MOST", "ON_ERROR", "ON_LIMIT", "WHEN_ANY", "WHEN_ALL"}:
            return Part(tok.doc(" ".join(tok.text.split())), tok, tok, tok.kind)
        return Part(tok.doc(), tok, tok, tok.kind)

    def __default__(self, data: str, children: Parts, _meta: object) -> Part:
        return self.part(data, children, glued(children))

    @staticmethod
    def part(rule: str, children: Sequence[Part], doc: Doc, parts: Sequence[Part] = ()) -> Part:
        """Make the part of a rule."""
        return Part(doc, children[0].first, children[-1].last, rule, parts)

    # expressions

    def _chain(self, children: Parts, rule: str) -> Part:
        left, operator, right = children
        terms = [*left.parts, operator, right] if left.rule == rule else [left, operator, right]
        docs: Docs = []
        for sign, operand in zip(terms[1::2], terms[2::2], strict=True):
            docs += [LINE, sign.doc, " ", operand.doc]
        return self.part(rule, children, Group((terms[0].doc, Indent(tuple(docs)))), terms)

    def logical_or(self, children: Parts) -> Part:
        return self._chain(children, "logical_or")

    def logical_and(self, children: Parts) -> Part:
        return self._chain(children, "logical_and")

    def binary(self, children: Parts) -> Part:
        return self._chain(children, _LEVELS[children[1].rule])

    def conditional(self, children: Parts) -> Part:
        condition, question, yes, colon, no = children
        arms = Indent((LINE, question.doc, " ", yes.doc, LINE, colon.doc, " ", no.doc))
        return self.part("conditional", children, Group((condition.doc, arms)))

    def _bracketed(self, opening: Sequence[Part], inner: Sequence[Part], closing: Part, *, trailing: bool) -> Doc:
        """Print what stands in brackets with commas between."""
        inner = [part for part in inner if part.rule != "COMMA"]
        rest = closing.tok
        if not inner and not rest.lead:
            return (glued(opening), rest.bare())
        body: Docs = [SOFT, join((part.doc for part in inner), (",", LINE))]
        if trailing and inner:
            body.append(IfBreaks(",", ""))
        if rest.lead:
            body += [HARD if inner else "", rest.comments()]
        return (glued(opening), Group((Indent(tuple(body)), HARD if rest.lead else SOFT, rest.bare())))

    def _applied(self, rule: str, children: Parts, opening: int) -> Part:
        *_, closing = children
        inner = [part for child in children[opening + 1 : -1] for part in _unwrap(child, "arguments", "list_items")]
        doc = self._bracketed(children[: opening + 1], inner, closing, trailing=rule == "list")
        return self.part(rule, children, doc)

    def call(self, children: Parts) -> Part:
        return self._applied("call", children, 2 if children[0].rule == "DOT" else 1)

    def method(self, children: Parts) -> Part:
        return self._applied("method", children, 3)

    def list(self, children: Parts) -> Part:
        return self._applied("list", children, 0)

    def arguments(self, children: Parts) -> Part:
        return self.part("arguments", children, "", children)

    def list_items(self, children: Parts) -> Part:
        return self.part("list_items", children, "", children)

    def map(self, children: Parts) -> Part:
        inner = [part for child in children[1:-1] for part in _unwrap(child, "map_entries")]
        commas = any(_needs_comma(part.first) for part in inner if part.rule != "COMMA")
        expanded = is_expanded(children[0].tok, children[1].first)
        doc = entries([children[0], *inner, children[-1]], commas=commas, expanded=expanded)
        return self.part("map", children, doc)

    def params(self, children: Parts) -> Part:
        return self.map(children)

    def map_entries(self, children: Parts) -> Part:
        return self.part("map_entries", children, "", children)

    def map_entry(self, children: Parts) -> Part:
        return self.part("map_entry", children, (glued(children[:-1]), " ", children[-1].doc))

    def optional_entry(self, children: Parts) -> Part:
        return self.map_entry(children)

    def type_value(self, children: Parts) -> Part:
        return self.part("type_value", children, spaced(children))

    # types

    def type(self, children: Parts) -> Part:
        first, *rest = children
        docs: Docs = []
        for bar, member in zip(rest[::2], rest[1::2], strict=True):
            docs += [LINE, bar.doc, " ", member.doc]
        return self.part("type", children, Group((first.doc, Indent(tuple(docs)))) if docs else first.doc)

    def object_type(self, children: Parts) -> Part:
        inner = [part for child in children[1:-1] for part in _unwrap(child, "fields")]
        expanded = is_expanded(children[0].tok, children[1].first)
        doc = entries([children[0], *inner, children[-1]], commas=False, expanded=expanded)
        return self.part("object_type", children, doc)

    def fields(self, children: Parts) -> Part:
        return self.part("fields", children, "", children)

    def field(self, children: Parts) -> Part:
        colon = next(place for place, part in enumerate(children) if part.rule == "COLON")
        return self.part("field", children, (glued(children[: colon + 1]), " ", spaced(children[colon + 1 :])))


def _unwrap(part: Part, *rules: str) -> Sequence[Part]:
    return part.parts if part.rule in rules else [part]


def _needs_comma(first: Tok) -> bool:
    """Tell whether an entry could be read as the rest of the value before it."""
    return first.kind in {"LPAR", "QUESTION"} or first.text == "in"
