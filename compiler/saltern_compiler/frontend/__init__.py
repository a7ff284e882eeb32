"""From source text to a pipeline, whatever notation it is written in."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.frontend.notation import Notation, Reading
from saltern_compiler.frontend.notations import NOTATIONS, notation_of, suffixes
from saltern_compiler.registry import Registry

MAX_CHARACTERS: Final = 8 * 1024 * 1024
"""A source may be this long: a drawing of 10,000 nodes takes half of it."""


def read(
    text: str, source_name: str, registry: Registry | None = None, notations: tuple[Notation, ...] = NOTATIONS
) -> Reading:
    """Read a source; None where nothing can be checked further, with the reason among the findings.

    `registry`: what is installed; a drawing does not say itself which of its nodes own a body.
    """
    if len(text) > MAX_CHARACTERS:
        notes = (f"At most {MAX_CHARACTERS:,} characters; this one has {len(text):,}.",)
        return None, [Diagnostic("source-too-large", "the source is too large", Origin(None, 0, 0), notes=notes)]
    notation = notation_of(source_name, text, notations)
    if notation is not None:
        return notation.read(text, registry or Registry.load())
    first, *others, last = suffixes(notations)
    notes = (f"A pipeline is written in {first}, or saved by an editor as {', '.join(others)} or {last}.",)
    shown = source_name.rpartition("/")[2]
    return None, [
        Diagnostic("unknown-source-format", f"the format of `{shown}` is unknown", Origin(None, 0, 0), notes=notes)
    ]
