"""A third notation, as small as one can be: the keys of a YAML file's `steps` are nodes that give a text a name, the last one returns it."""

import re

import yaml

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.expr.ast import Ident
from saltern_compiler.frontend.notation import Aside, Notation, UnwritableError
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.values import Expression, Literal
from saltern_runtime.spec import Code, ObjectType

EMPTY_STEP = Code("Finds steps that give nothing a name.")


def _read(text, registry):
    steps = yaml.safe_load(text)["steps"]
    findings = [
        Diagnostic("empty-step", f"the step `{name}` says nothing", Origin(f"/steps/{name}"), declared=EMPTY_STEP)
        for name, said in steps.items()
        if not said
    ]
    nodes = [
        Node(name, "set", params=(("value", Literal(said)),), origin=Origin(f"/steps/{name}"))
        for name, said in steps.items()
    ]
    nodes.append(Node("return", "return", params=(("value", Expression(Ident(list(steps)[-1]))),)))
    return Pipeline("steps", ObjectType(()), body=Region(tuple(sorted(nodes, key=lambda node: node.id)))), findings


def _locate(text):
    def locate(origin):
        name = origin.pointer.rpartition("/")[2]
        found = re.search(rf"^  {re.escape(name)}:", text, re.MULTILINE)
        return (found.start() + 2, found.end() - 1) if found else (0, 0)

    return locate


def _print(pipeline, aside, registry):
    said = {node.id: node.param("value") for node in pipeline.body.nodes if node.type == "set"}
    if not all(isinstance(value, Literal) for value in said.values()):
        raise UnwritableError("steps only say texts")
    return yaml.safe_dump({"steps": {name: value.value for name, value in said.items()}})


STEPS = Notation(
    name="steps",
    suffixes=(".steps", ".yml"),
    sniff=lambda text: text.startswith("steps:"),
    read=_read,
    locate=_locate,
    aside=lambda text, registry: Aside(),
    print=_print,
)
