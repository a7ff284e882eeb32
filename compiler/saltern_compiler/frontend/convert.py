"""From one notation to another: same digest, comments as notes, layout in a file of its own."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.diagnostics.model import Diagnostic, has_errors
from saltern_compiler.frontend import read
from saltern_compiler.frontend.notation import Aside, Layout, Notation, UnwritableError
from saltern_compiler.frontend.notations import NOTATIONS, notation_of
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass


class ConvertError(Exception):
    """The other notation cannot say a pipeline: one with mistakes that no reader finds, but a check does."""


class DeepError(ConvertError):
    """A value that one notation can just nest is too deep in the other, which stands more brackets around it."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A source in another notation; `layout` is what that notation leaves out."""

    text: str
    layout: Layout | None = None


def convert(
    text: str,
    source_name: str,
    to: Notation,
    *,
    layout: Layout | None = None,
    registry: Registry | None = None,
    notations: tuple[Notation, ...] = NOTATIONS,
) -> tuple[Converted | None, list[Diagnostic]]:
    """Write a source in another notation; None with the reasons for one that cannot be read. Raises `ConvertError`.

    `layout`: what lies beside the source.
    """
    known = registry or Registry.load()
    pipeline, findings = read(text, source_name, known, notations)
    source = notation_of(source_name, text, notations)
    if pipeline is None or source is None or has_errors(findings):
        return None, findings
    assert to.print is not None, "asked for notations that are written"
    aside = source.aside(text, known) if source.aside is not None else Aside()
    if aside.layout is None:
        aside = replace(aside, layout=layout)
    try:
        printed = to.print(pipeline, aside, known)
    except UnwritableError as error:
        raise ConvertError(str(error)) from error
    _check_same(printed, f"converted{to.suffixes[0]}", pipeline, known, notations)
    return Converted(printed, None if to.read_layout else aside.layout), []


def _check_same(text: str, name: str, pipeline: Pipeline, registry: Registry, notations: tuple[Notation, ...]) -> None:
    again, findings = read(text, name, registry, notations)
    if any(finding.code == "nesting-too-deep" for finding in findings):
        raise DeepError(
            "a value is nested too deeply for the other notation; move a part of it into a `set` node of its own"
        )
    if again is None or has_errors(findings) or canonical(again) != canonical(pipeline):
        raise ConvertError(f"the other notation cannot say {pipeline.name} as it is")
