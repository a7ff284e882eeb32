"""What a document says to the checks: `data.allow` of its nodes, and notes that begin with `saltern:`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.frontend.document.canvas import ids_of, remark_of
from saltern_compiler.frontend.document.shape import DRAWN_TYPES, NOTE_TYPES
from saltern_compiler.frontend.document.texts import read_text
from saltern_compiler.frontend.notation import Directive, Directives
from saltern_compiler.frontend.remarks import DIRECTIVE, NODE, START, Allow, write_allow
from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.spec import Json

_SECTIONS: Final = {
    "connections": "connection ", "triggers": "trigger ", "secrets": "secret ", "uses": "use ",
    "inputs": "input", "outputs": "output", "settings": "settings", "budget": "budget",
}  # fmt: skip
"""Key of a document → the anchor of what stands there, or what that begins with."""
_NODES: Final = Origin("/nodes")


def directives_of(text: str, pipeline: Pipeline, *, yaml: bool) -> Directives:
    """Return the directives of a document that `pipeline` was read from without an error."""
    document, _ = read_text(text, yaml=yaml)
    assert isinstance(document, dict), "a pipeline was read from it"
    ids = ids_of(pipeline, document)
    nodes = document.get("nodes", [])
    edges = document.get("edges", [])

    def about(origin: Origin) -> tuple[str, str]:
        steps = [_unescaped(step) for step in (origin.pointer or "").split("/")[1:]]
        if len(steps) < 2:
            return _SECTIONS.get(steps[0], START) if steps else START, ""
        if steps[0] == "nodes":
            return _anchor(nodes[int(steps[1])], ids), _param(steps)
        if steps[0] == "edges":
            edge = edges[int(steps[1])]
            handle = edge.get("targetHandle") or "in"
            return NODE + ids.get(edge["target"], edge["target"]), "" if handle == "in" else handle
        section = _SECTIONS.get(steps[0], START)
        return (section + steps[1] if section.endswith(" ") else section), _field(steps)

    return Directives([*_written(nodes, ids)], about)


def _written(nodes: list[Json], ids: Mapping[str, str]) -> Iterator[Directive]:
    by_id = {node["id"]: node for node in nodes}
    for number, node in enumerate(nodes):
        place = _NODES.child(number)
        if node["type"] not in DRAWN_TYPES:
            for index, each in enumerate((node.get("data") or {}).get("allow", ())):
                line = write_allow(Allow(each["code"], each["because"]))
                yield Directive(line, _anchor(node, ids), each.get("part", ""), place.child("data", "allow", index))
            continue
        remark = remark_of(node, by_id, ids)
        for line in remark.text.split("\n") if node["type"] in NOTE_TYPES else ():
            if line.strip().startswith(DIRECTIVE):
                yield Directive(line.strip(), remark.anchor, remark.part, place.child("data", "text"))


def _anchor(node: Mapping[str, Json], ids: Mapping[str, str]) -> str:
    return NODE + ids.get(node["id"], node["id"])


def _param(steps: list[str]) -> str:
    return steps[4] if len(steps) > 4 and steps[2:4] == ["data", "params"] else ""


def _field(steps: list[str]) -> str:
    """Return the field of the input or the output, or the setting, that a pointer leads to."""
    if steps[1] == "properties" and len(steps) > 2:
        return steps[2]
    return steps[3] if len(steps) > 3 and steps[2] == "settings" else ""


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
