"""Where a text of the language can be cut so that its parts can be read apart: between the statements that no bracket holds."""

from __future__ import annotations

import re
from typing import Final

from saltern_compiler.expr.ast import Span
from saltern_compiler.frontend.language.scan import CLOSES, TOKEN

_GOES_ON: Final = re.compile(r"(?:else|catch|after|join|when|compensate|do|with|in|on[ \t]+error)\b")
"""What may belong to the statement before it, though a line begins with it."""


def chunks(text: str) -> list[Span] | None:
    """Cut a text: its parts are all of it, and each but the first begins with a section, a statement or its decorators.

    None where that cannot be told, since a bracket or a text is not closed. Where each part can be read alone, all of them
    together say what the whole says; one that cannot be read alone does not mean that the whole is wrong.
    """
    starts = [0]
    brackets: list[str] = []
    is_first, after_decorator = True, False
    for match in TOKEN.finditer(text):
        kind, at = match.lastgroup, match.start()
        if kind == "statement":
            if brackets:
                continue
            if not is_first and not after_decorator and not _GOES_ON.match(text, at):
                starts.append(at)
            is_first, after_decorator = False, text[at] == "@"
        elif kind == "opening":
            brackets.append(match.group())
        elif kind == "closing":
            if not brackets or CLOSES[brackets.pop()] != match.group():
                return None
        elif kind == "unclosed":
            return None
    return None if brackets else list(zip(starts, [*starts[1:], len(text)], strict=True))
