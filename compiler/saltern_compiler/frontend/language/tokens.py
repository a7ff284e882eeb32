"""The tokens of a text with the comments and empty lines around them: what the syntax tree leaves out and a formatter keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Final

from lark import Lark, Token, Tree

from saltern_compiler.expr import tables
from saltern_compiler.expr.refused import DepthGuard
from saltern_compiler.frontend.language.grammar import GRAMMAR, START
from saltern_compiler.layout import BLANK, HARD, Doc, Fresh, Raw, Suffix
from saltern_runtime.dataclass import dataclass

TABLE: Final = Path(__file__).with_name("tokens.jsonl")
_COMMENT: Final = re.compile(r"#[^\n]*")


@dataclass(slots=True)
class Comment:
    """A comment on a line of its own."""

    text: str
    blank: bool
    """An empty line stands before it."""
    start: int
    """Where it begins in the text."""


@dataclass(slots=True)
class Tok:
    """A token of the text with the comments that belong to it."""

    kind: str
    text: str
    start: int
    end: int
    line: int
    lead: list[Comment] = field(default_factory=list)
    """Comments on the lines before it."""
    trail: str = ""
    """The comment behind it on its line."""
    trail_start: int = 0
    """Where that begins in the text."""
    blank_after_lead: bool = False
    blank: bool = False
    """An empty line stands before it and its comments."""

    def bare(self, text: Doc | None = None) -> Doc:
        """Print it without the comments before it; `text` stands for what it says."""
        own = (Raw(tuple(self.text.split("\n"))) if "\n" in self.text else self.text) if text is None else text
        return (own, Suffix(self.trail)) if self.trail else own

    def doc(self, text: Doc | None = None) -> Doc:
        """Print it with its comments."""
        if not self.lead:
            return self.bare(text)
        return (Fresh(), self.comments(), BLANK if self.blank_after_lead else HARD, self.bare(text))

    def comments(self) -> Doc:
        """Print the comments before it, without the line break after the last."""
        docs: list[Doc] = []
        for comment in self.lead:
            if docs:
                docs.append(BLANK if comment.blank else HARD)
            docs.append(comment.text)
        return tuple(docs)


@dataclass(slots=True)
class Tokens:
    """All tokens of a text in its order, and what stands after the last."""

    by_start: dict[int, Tok]
    end: Tok


@cache
def _parser() -> Lark:
    return tables.parser(GRAMMAR, START, TABLE, DepthGuard(), tables.EVERY_TOKEN)


def parse_tokens(text: str, start: str = "source") -> Tree[Token] | Token:
    """Parse a text and keep every token; raises what Lark raises, and `TooDeepError`."""
    return _parser().parse(text, start=start)


def leaves(tree: Tree[Token] | Token) -> Iterator[Token]:
    """Yield the tokens of a tree in order."""
    waiting: list[Tree[Token] | Token] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Token):
            yield part
        else:
            waiting.extend(reversed(part.children))


def attach(tree: Tree[Token] | Token, text: str) -> Tokens:
    """Give each comment of a text to a token; commas get none, since a formatter puts and takes them."""
    by_start: dict[int, Tok] = {}
    last: Tok | None = None
    waiting: list[Comment] = []
    at, line = 0, 1
    blank = False
    for token in leaves(tree):
        start = token.start_pos or 0
        is_comma = token.type == "COMMA"
        waiting, blank = _gap(text[at:start], at, last, waiting, blank)
        line += text.count("\n", at, start)
        at = start + len(token)
        tok = Tok(token.type, str(token), start, at, line)
        by_start[start] = tok
        line += token.count("\n")
        if is_comma:
            continue
        _lead(tok, waiting, blank)
        waiting, blank = [], False
        last = tok
    waiting, blank = _gap(text[at:], at, last, waiting, blank)
    end = Tok("$END", "", len(text), len(text), line)
    _lead(end, waiting, blank)
    return Tokens(by_start, end)


def _lead(tok: Tok, comments: list[Comment], blank: bool) -> None:
    tok.lead = comments
    tok.blank = comments[0].blank if comments else blank
    tok.blank_after_lead = bool(comments) and blank


def _gap(gap: str, start: int, last: Tok | None, waiting: list[Comment], blank: bool) -> tuple[list[Comment], bool]:
    """Read the comments between two tokens, from `start` on; `blank` tells whether an empty line stands before the next thing."""
    at = 0
    for match in _COMMENT.finditer(gap):
        before = gap[at : match.start()]
        blank = blank or before.count("\n") > 1
        comment = match.group().rstrip()
        if last is not None and not waiting and "\n" not in gap[: match.start()] and not last.trail and not blank:
            last.trail = comment
            last.trail_start = start + match.start()
        else:
            waiting.append(Comment(comment, blank, start + match.start()))
        blank = False
        at = match.end()
    return waiting, blank or gap[at:].count("\n") > 1


def comments_of(tokens: Tokens) -> Sequence[str]:
    """List every comment of a text, in its order."""
    texts: list[str] = []
    for tok in [*tokens.by_start.values(), tokens.end]:
        texts += [comment.text for comment in tok.lead]
        if tok.trail:
            texts.append(tok.trail)
    return texts
