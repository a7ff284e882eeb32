"""From source text to a pipeline: one reader a notation, chosen by the file's suffix."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.ir.pipeline import Pipeline

MAX_CHARACTERS: Final = 8 * 1024 * 1024
"""A source may be this long: a drawing of 10,000 nodes takes half of it."""


def read(text: str, source_name: str) -> tuple[Pipeline | None, list[Diagnostic]]:
    """Read a source; None where nothing can be checked further, with the reason among the findings."""
    if len(text) > MAX_CHARACTERS:
        notes = (f"at most {MAX_CHARACTERS:,} characters; this one has {len(text):,}",)
        return None, [Diagnostic("source-too-large", "the source is too large", Origin(None, 0, 0), notes=notes)]
    name = source_name.lower()
    if name.endswith(".saltern"):
        from saltern_compiler.frontend.language import reader  # noqa: PLC0415 - a document needs no grammar of the language

        return reader.read(text)
    if name.endswith((".json", ".yaml", ".yml")):
        from saltern_compiler.frontend.document import reader as document  # noqa: PLC0415 - the language needs no YAML

        return document.read(text, yaml=not name.endswith(".json"))
    notes = ("a pipeline is written in .saltern, or saved by an editor as .json, .yaml or .yml",)
    shown = source_name.rpartition("/")[2]
    return None, [
        Diagnostic("unknown-source-format", f"the format of `{shown}` is unknown", Origin(None, 0, 0), notes=notes)
    ]
