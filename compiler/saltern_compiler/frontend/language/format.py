"""Formats the language: same meaning, one look. Comments, empty lines and how literals are written stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lark.exceptions import UnexpectedInput

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.refused import TooDeepError
from saltern_compiler.frontend.language import reader
from saltern_compiler.frontend.language.format_template import INDENT
from saltern_compiler.frontend.language.format_values import Part, ValueSetter, entries, is_expanded, spaced
from saltern_compiler.frontend.language.tokens import Tok, Tokens, attach, comments_of, parse_tokens
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.verify import InternalError
from saltern_compiler.layout import BLANK, HARD, LINE, Doc, Group, Indent, join, lay_out

_WIDTH: Final = 100
"""Columns of a line."""
_NO_LIMIT: Final = 1_000_000_000
_PLAIN: Final = frozenset(
    [
        "pipeline",
        "description",
        "settings",
        "budget",
        "input",
        "output",
        "use",
        "secret",
        "connection",
        "trigger",
        "node",
        "result",
        "after",
        "join",
        "at_most",
        "within",
        "worded",
        "on_error",
        "on_limit",
        "join_mode",
        "called",
        "decorator_arg",
    ]
)
"""Rules whose words simply stand one after another, with decorators above."""
_HEADED: Final = frozenset(["if_branch", "bare_if", "else_if", "foreach", "while_region", "try_region"])
"""Rules that end in blocks."""


def format_text(text: str) -> tuple[str | None, list[Diagnostic]]:
    """Format a pipeline; None with the reasons where its syntax is broken. Formatting twice is formatting once."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    pipeline, findings = reader.read(text)
    if pipeline is None or any(finding.code in {"syntax-error", "nesting-too-deep"} for finding in findings):
        return None, findings
    formatted = set_text(text)
    again, _ = reader.read(formatted)
    if again is None or canonical(again) != canonical(pipeline) or _comments(formatted) != _comments(text):
        raise InternalError("formatting changes neither meaning nor comments", pipeline.name)
    return formatted, []


def set_text(text: str, *, airy: bool = False) -> str:
    """Set a text whose syntax is right; an `airy` one gets an empty line around what takes several lines."""
    tree = parse_tokens(text)
    tokens = attach(tree, text)
    setter = _Setter(tokens.by_start, set_expression)
    setter.airy = airy
    return _lines_of(setter.file(setter.transform(tree).parts, tokens)) + "\n"  # type: ignore[arg-type] # a source is a tree


def set_expression(text: str) -> str | None:
    """Set an expression on one line; None where its syntax is broken, or a comment stands in it."""
    try:
        tree = parse_tokens(text, "expr")
    except (UnexpectedInput, TooDeepError):
        return None
    tokens = attach(tree, text)
    if comments_of(tokens):
        return None
    setter = _Setter(tokens.by_start, set_expression)
    part = setter.__default_token__(tree) if not hasattr(tree, "data") else setter.transform(tree)  # type: ignore[arg-type] # an expression of one token is that token
    line = _lines_of(part.doc, _NO_LIMIT)
    return None if "\n" in line else line


def _lines_of(doc: Doc, width: int = _WIDTH) -> str:
    return lay_out(doc, width=width, step=INDENT)


def _comments(text: str) -> list[str]:
    return sorted(comments_of(attach(parse_tokens(text), text)))


class _Setter(ValueSetter):
    """Sets sections and statements: one method for each rule of the grammar, named after it."""

    airy = False

    def file(self, items: Sequence[Part], tokens: Tokens) -> Doc:
        """Set a whole text."""
        docs: list[Doc] = [self._lines(items)]
        if tokens.end.lead:
            docs += [BLANK if tokens.end.blank else HARD] if items else []
            docs.append(tokens.end.comments())
        return tuple(docs)

    def __default__(self, data: str, children: list[Part], meta: object) -> Part:
        if data in _PLAIN:
            return self._plain(data, children)
        return self._headed(data, children) if data in _HEADED else super().__default__(data, children, meta)

    def source(self, children: list[Part]) -> Part:
        if not children:
            nothing = Tok("", "", 0, 0, 1)
            return Part("", nothing, nothing, "source")
        return self.part("source", children, "", children)

    def _plain(self, rule: str, children: list[Part]) -> Part:
        """Set a construct whose decorators stand above it and whose words have spaces between them."""
        count = sum(part.rule == "decorator" for part in children)
        above = [(part.doc, HARD) for part in children[:count]]
        return self.part(rule, children, (*above, spaced(children[count:])))

    def decorator(self, children: list[Part]) -> Part:
        inner = [part for child in children for part in (child.parts if child.rule == "decorator_args" else [child])]
        return self.part("decorator", children, spaced(_without_last_comma(inner)))

    def decorator_args(self, children: list[Part]) -> Part:
        return self.part("decorator_args", children, "", children)

    def compensate(self, children: list[Part]) -> Part:
        return self.body(children)

    def body(self, children: list[Part]) -> Part:
        *words, block = children
        return self.part("body", children, (spaced(words), " ", Group(self._block(block))))

    def mapping(self, children: list[Part]) -> Part:
        keyword, *braces = children
        expanded = is_expanded(braces[0].tok, braces[1].first)
        return self.part("mapping", children, (keyword.doc, " ", entries(braces, commas=False, expanded=expanded)))

    def mapped(self, children: list[Part]) -> Part:
        return self.map_entry(children)

    def handler(self, children: list[Part]) -> Part:
        return self.body(children)

    def state_type(self, children: list[Part]) -> Part:
        return self.part("state_type", children, spaced(children))

    def when(self, children: list[Part]) -> Part:
        if children[0].rule == "WHEN":
            return self.part("when", children, spaced(children))
        keyword, opening, *inner, closing = children
        doc = self._bracketed([keyword, opening], inner, closing, trailing=True)
        return self.part("when", children, doc)

    # blocks

    def block(self, children: list[Part]) -> Part:
        return self.part("block", children, "", children)

    def arm(self, children: list[Part]) -> Part:
        at = next(place for place, part in enumerate(children) if part.rule == "block")
        return self.part("arm", children, (spaced(children[:at]), " ", Group(self._block(children[at]))))

    def _headed(self, rule: str, children: list[Part]) -> Part:
        """Set a statement that ends in blocks."""
        count = sum(part.rule == "decorator" for part in children)
        first = next(place for place, part in enumerate(children) if part.rule == "block")
        above = [(part.doc, HARD) for part in children[:count]]
        body: Sequence[Doc] = [self._block(part) if part.rule == "block" else part.doc for part in children[first:]]
        return self.part(rule, children, (*above, _head(children[count:first]), Group(join(body, " "))))

    def switch(self, children: list[Part]) -> Part:
        count = sum(part.rule == "decorator" for part in children)
        first = next(place for place, part in enumerate(children) if part.rule == "LBRACE")
        above = [(part.doc, HARD) for part in children[:count]]
        arms = entries(children[first:], commas=False, expanded=len(children) > first + 2)
        return self.part("switch", children, (*above, spaced(children[count:first]), " ", arms))

    def parallel(self, children: list[Part]) -> Part:
        return self.switch(children)

    def parallel_arm(self, children: list[Part]) -> Part:
        return self.arm(children)

    def bare_switch(self, children: list[Part]) -> Part:
        return self.switch(children)

    def _block(self, block: Part) -> Doc:
        """Set a block for the group around it: of one line where its author wrote it so."""
        opening, *statements, closing = block.parts
        rest = closing.tok
        if not statements and not rest.lead:
            return (opening.doc, rest.bare())
        expanded = len(statements) > 1 or is_expanded(opening.tok, block.parts[1].first)
        body: list[Doc] = [HARD if expanded else LINE, self._lines(statements)]
        if rest.lead:
            body += [(BLANK if rest.blank else HARD) if statements else "", rest.comments()]
        return (opening.doc, Indent(tuple(body)), HARD if expanded or rest.lead else LINE, rest.bare())

    def _lines(self, parts: Sequence[Part]) -> Doc:
        is_long = [self.airy and _height(part) > 1 for part in parts]
        docs: list[Doc] = []
        for place, part in enumerate(parts):
            if docs:
                gap = part.first.blank or is_long[place - 1] or is_long[place] or (self.airy and part.first.lead)
                docs.append(BLANK if gap else HARD)
            docs.append(part.doc)
        return tuple(docs)


def _head(parts: Sequence[Part]) -> Doc:
    """Set what stands before a block: what follows a comma is indented where it does not fit, and the brace is alone then."""
    first = next((place for place, part in enumerate(parts) if part.rule == "COMMA"), None)
    if first is None:
        return (spaced(parts), " ")
    rest = [part.doc if part.rule == "COMMA" else (LINE, part.doc) for part in parts[first:]]
    return (spaced(parts[:first]), Group((Indent(tuple(rest)), LINE)))


def _height(part: Part) -> int:
    """Count the lines of a construct without the comments before it."""
    above = part.first.comments()
    return _lines_of(part.doc).count("\n") + 1 - (_lines_of(above).count("\n") + 1 if part.first.lead else 0)


def _without_last_comma(parts: Sequence[Part]) -> Sequence[Part]:
    return [part for place, part in enumerate(parts) if part.rule != "COMMA" or parts[place + 1].rule != "RPAR"]
