"""A document's text, JSON or YAML, as a value."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.frontend.document.jsontext import Unreadable, read_json
from saltern_runtime.spec import Json


def read_text(text: str, *, yaml: bool) -> tuple[Json | Unreadable, list[Diagnostic]]:
    """Read a value, with what is wrong in it."""
    if not yaml:
        return read_json(text)
    from saltern_compiler.frontend.document.yamltext import read_yaml  # noqa: PLC0415 - JSON needs no YAML

    return read_yaml(text)
