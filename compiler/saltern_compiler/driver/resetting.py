"""Gives settings of connections the names that their connectors know them by now, in their text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.frontend.moves import Replaced
from saltern_compiler.frontend.notation import Locate
from saltern_compiler.ir.pipeline import Connection, Pipeline
from saltern_compiler.registry import Registry


def reset(text: str, locate: Locate, pipeline: Pipeline, registry: Registry) -> tuple[list[Replaced], list[str]]:
    """Return what to replace, and what is done thereby, a sentence for each setting."""
    changes, done = [], []
    for connection, old, new in _old(pipeline, registry):
        if connection.setting(new) is None:
            start, end = locate(connection.name_of(old))
            quoted = re.match(r"[\"']", text[start:end])
            changes.append(Replaced(start, end, json.dumps(new) if quoted else new))
            done.append(f"`{old}` of the connection `{connection.name}` is `{new}`.")
    return changes, done


def unset(pipeline: Pipeline, registry: Registry) -> Iterator[Diagnostic]:
    """Yield the settings that stand there under both names: one of them is for a person to take out."""
    for connection, old, new in _old(pipeline, registry):
        if connection.setting(new) is not None:
            notes = (f"`{old}` is `{new}` now, which stands here already: keep one of them.",)
            message = f"the connection `{connection.name}` needs a person to lose `{old}`"
            yield Diagnostic("step-by-hand", message, connection.name_of(old), notes=notes)


def _old(pipeline: Pipeline, registry: Registry) -> Iterator[tuple[Connection, str, str]]:
    """Yield each setting that has another name now."""
    for connection in pipeline.connections:
        spec = registry.connector(connection.connector)
        for name, _ in connection.settings if spec is not None else ():
            assert spec is not None, "asked for connectors that there are"
            if name in spec.renamed and spec.setting(name) is None:
                yield connection, name, spec.renamed[name]
