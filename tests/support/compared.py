"""Two texts, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from saltern_compiler.diff import Comparison, Side, compare
from saltern_compiler.driver.link import link
from saltern_compiler.frontend import read
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.passes import analyze
from saltern_compiler.registry import Registry

REGISTRY = Registry.load()


def side_of(text: str, files: Mapping[str, str] | None = None, name: str = "a.saltern") -> Side:
    """Check a text, which has no error, with the files beside it."""
    pipeline, findings = read(text, name, REGISTRY)
    assert pipeline is not None, findings
    side = side_of_pipeline(pipeline, files, name)
    assert not side.analyzed.has_errors, [(each.code, each.message) for each in side.analyzed.diagnostics]
    return side


def side_of_pipeline(pipeline: Pipeline, files: Mapping[str, str] | None = None, name: str = "a.saltern") -> Side:
    """Check a pipeline, whatever is wrong with it."""
    linked = link(pipeline, name, files or {}, REGISTRY)
    return Side(analyze(pipeline, REGISTRY, linked.files, uses=linked.uses, called=linked.callees), linked.callees)


def compared(
    old: str, new: str, old_files: Mapping[str, str] | None = None, new_files: Mapping[str, str] | None = None
) -> Comparison:
    """Compare two texts."""
    return compare(side_of(old, old_files), side_of(new, old_files if new_files is None else new_files))
