"""All notations, and which one a source is written in."""

from __future__ import annotations

from typing import Final

from saltern_compiler.frontend.document import DOCUMENT, YAML
from saltern_compiler.frontend.language import LANGUAGE
from saltern_compiler.frontend.notation import Notation

__all__ = ["DOCUMENT", "LANGUAGE", "NOTATIONS", "YAML", "notation_like", "notation_of", "suffixes"]

NOTATIONS: Final[tuple[Notation, ...]] = (DOCUMENT, YAML, LANGUAGE)
"""A text without a name is of the first that it looks like, else of the last."""


def suffixes(notations: tuple[Notation, ...] = NOTATIONS) -> tuple[str, ...]:
    """Return the suffixes of all files that can be read, the language's first."""
    return tuple(suffix for notation in reversed(notations) for suffix in notation.suffixes)


def notation_of(source_name: str, text: str, notations: tuple[Notation, ...] = NOTATIONS) -> Notation | None:
    """Return the notation of a file: by its suffix, and by its text where several have that suffix; None for no suffix of ours."""
    name = source_name.lower()
    fitting = [notation for notation in notations if name.endswith(notation.suffixes)]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    return next((notation for notation in fitting if notation.sniff(text)), fitting[0])


def notation_like(text: str, notations: tuple[Notation, ...] = NOTATIONS) -> Notation:
    """Return the notation of a text without a name."""
    return next((notation for notation in notations if notation.sniff(text)), notations[-1])
