"""A word without quotes where a text belongs: what it was meant to be."""

from __future__ import annotations

import json
from collections.abc import Iterable

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.passes.base import Context
from saltern_runtime.spec import STRING, LiteralType, Type, UnionType, show
from saltern_runtime.spec.types import without_null


def takes_text(to: Type) -> bool:
    """Whether a text may stand there, any or one of some."""
    return STRING in _members(to) or bool(_texts(to))


def is_one_of(word: str, to: Type) -> bool:
    """Whether a word, but for capitals, is one of the texts that may stand there."""
    return word.lower() in (text.lower() for text in _texts(to))


def unquoted(word: str, to: Type, taker: str, origin: Origin, context: Context) -> Diagnostic:
    """Say that quotes are missing, and offer the text that was meant: the word, or the nearest of those that are taken."""
    meant = _meant(word, to, context)
    notes: tuple[str, ...] = ("A word without quotes is a name; a text stands in quotes.",)
    if STRING not in _members(to):
        notes = (*notes, f"It takes {show(to)}.")
    # in a document, what stands at the place is no language text
    written = json.dumps(meant, ensure_ascii=False) if meant and origin.pointer is None else ""
    fixes = (Fix(f"Replace by `{written}`", (Edit(origin, written),)),) if written else ()
    return Diagnostic("unquoted-text", f"{taker} takes a text, and `{word}` is none", origin, notes=notes, fixes=fixes)


def _meant(word: str, to: Type, context: Context) -> str:
    texts = _texts(to)
    same = [text for text in texts if text == word] or [text for text in texts if text.lower() == word.lower()]
    if same:
        return same[0]
    if STRING in _members(to):
        return word
    return next(iter(context.nearest(word, texts)), "")


def _members(of: Type) -> tuple[Type, ...]:
    of = without_null(of)
    return of.members if isinstance(of, UnionType) else (of,)


def _texts(to: Type) -> list[str]:
    members: Iterable[Type] = _members(to)
    return [each.value for each in members if isinstance(each, LiteralType) and isinstance(each.value, str)]
