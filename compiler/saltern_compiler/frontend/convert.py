"""From one notation to the other: same digest, comments as notes, layout in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from saltern_compiler.diagnostics.model import Diagnostic, Severity
from saltern_compiler.frontend import read
from saltern_compiler.frontend.document.canvas import Canvas, canvas_of
from saltern_compiler.frontend.document.jsontext import read_json
from saltern_compiler.frontend.document.print_values import UnwritableValueError
from saltern_compiler.frontend.document.printer import print_document
from saltern_compiler.frontend.document.yamltext import read_yaml
from saltern_compiler.frontend.language.comments import read_remarks
from saltern_compiler.frontend.language.printer import UnwritableError, print_language
from saltern_compiler.frontend.remarks import Orders, Remark, Remarks, written
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.spec import Json


class ConvertError(Exception):
    """The other notation cannot say a pipeline: one with mistakes that no reader finds, but a check does."""


class DeepError(ConvertError):
    """A value that one notation can just nest is too deep in the other, which stands more brackets around it."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A source in the other notation; `canvas` is what a text leaves out of a document."""

    text: str
    canvas: Canvas | None = None


def to_language(text: str, source_name: str) -> tuple[Converted | None, list[Diagnostic]]:
    """Turn an editor document into text; None with the reasons for one that cannot be read. Raises `ConvertError`."""
    pipeline, findings = read(text, source_name)
    if pipeline is None or _broken(findings):
        return None, findings
    document, _ = read_json(text) if source_name.lower().endswith(".json") else read_yaml(text)
    assert isinstance(document, dict)
    remarks: list[Remark] = []
    canvas = canvas_of(document, remarks, _ids(pipeline, document))
    said = Remarks.of([replace(each, text=written(each.text)) for each in remarks])
    try:
        made = print_language(pipeline, said, _orders(document))
    except UnwritableError as error:
        raise ConvertError(str(error)) from error
    _same(made, "converted.saltern", pipeline)
    return Converted(made, canvas), []


def to_document(text: str, canvas: Canvas | None = None) -> tuple[Converted | None, list[Diagnostic]]:
    """Turn text into an editor document; None with the reasons for one that cannot be read. Raises `ConvertError`."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    pipeline, findings = read(text, "source.saltern")
    if pipeline is None or _broken(findings):
        return None, findings
    remarks, orders = read_remarks(text)
    try:
        made = print_document(pipeline, remarks, orders, canvas or Canvas())
    except UnwritableValueError as error:
        raise ConvertError("a document cannot say one of the values") from error
    _same(made, "converted.json", pipeline)
    return Converted(made), []


def _same(text: str, name: str, pipeline: Pipeline) -> None:
    again, findings = read(text, name)
    if any(each.code == "nesting-too-deep" for each in findings):
        raise DeepError(
            "a value is nested too deeply for the other notation; move a part of it into a `set` node of its own"
        )
    if again is None or _broken(findings) or canonical(again) != canonical(pipeline):
        raise ConvertError(f"the other notation cannot say {pipeline.name} as it is")


def _broken(findings: list[Diagnostic]) -> bool:
    return any(each.severity is Severity.ERROR for each in findings)


def _ids(pipeline: Pipeline, document: Mapping[str, Json]) -> dict[str, str]:
    """Map ids of a document to those of the IR."""
    nodes = document.get("nodes", [])
    found: dict[str, str] = {}
    for node in pipeline.body.walk():
        number = (node.origin.pointer or "").rpartition("/")[2]
        if number.isdigit():
            found[nodes[int(number)]["id"]] = node.id
    return found


def _orders(document: Json) -> Orders:
    found: Orders = {}
    for each in _objects(document):
        if len(each) > 1:
            found.setdefault(frozenset(each), tuple(each))
    return found


def _objects(document: Json) -> Iterator[dict[str, Json]]:
    waiting = [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(reversed(each.values()))
        elif isinstance(each, list):
            waiting.extend(reversed(each))
