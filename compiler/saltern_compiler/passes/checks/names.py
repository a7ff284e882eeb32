"""Names: of the pipeline, its nodes, connections and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from saltern_compiler.characters import is_printable
from saltern_compiler.diagnostics.model import Diagnostic, Origin, Related
from saltern_compiler.diagnostics.suggest import replace_by
from saltern_compiler.expr.show import WORDS
from saltern_compiler.ir.attempts import ARM, is_part
from saltern_compiler.ir.pipeline import INNER_TYPES, RESERVED_IDS, RETURN, Node, Pipeline, Region
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.pynames import KEYWORDS, PACKAGES
from saltern_compiler.registry import CONNECTORS, NODE_TYPES
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import COMPENSATE, INPUT, RUN

MAX_LENGTH: Final = 64
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PACKAGE: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Names(Check):
    """`invalid-name`, `reserved-id`, `duplicate-id`."""

    name: str = "names"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report names that cannot be names, that mean something else, or that stand twice."""
        _check_pipeline(pipeline, context)
        for node in context.each(self.name, pipeline.body.walk()):
            _check_node(node, context)
        named = {node.id: node for node in pipeline.body.walk() if _is_named(node)}
        _check_items(pipeline.body, {}, named, context)
        connections = [(connection.name, connection.origin) for connection in pipeline.connections]
        secrets = [(secret.name, secret.origin) for secret in pipeline.secrets]
        uses = [(use.name, use.origin) for use in pipeline.uses]
        _check_plain("use", uses, context)
        _check_plain("connection", connections, context)
        _check_plain("secret", secrets, context)
        ids = [node for node in pipeline.body.walk() if _is_named(node) or node.type == COMPENSATE]
        if len({node.id for node in ids}) < len(ids):
            # Text has an order and bodies are walked out of it; the arrays of a document have none, and keep that of the walk.
            nodes = [(node.id, node.place("id")) for node in ids]
            _check_twice("node", sorted(nodes, key=lambda named: context.written(named[1])), context)
        _check_twice("use", uses, context)
        _check_twice("connection", connections, context)
        _check_twice("secret", secrets, context)


def _check_pipeline(pipeline: Pipeline, context: Context) -> None:
    name, place = pipeline.name, pipeline.place("name")
    hidden = PACKAGES | _of_plugins(pipeline, context)
    taken = name in hidden
    if _PACKAGE.fullmatch(name) and len(name) <= MAX_LENGTH and name not in KEYWORDS and not taken:
        return
    reason = (
        f"A Python package of that name exists: importing {name} would find the wrong one."
        if taken
        else _package_rule()
    )
    better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[: MAX_LENGTH - 9] or "pipeline"
    if not _PACKAGE.fullmatch(better) or better in KEYWORDS or better in hidden:
        better = f"{better}_pipeline" if better[0].isalpha() else f"pipeline_{better}"
    message = f"the pipeline cannot be named {_quoted(name)}"
    context.report(Diagnostic("invalid-name", message, place, notes=(reason,), fixes=replace_by((better,), place)))


def _of_plugins(pipeline: Pipeline, context: Context) -> set[str]:
    """Return the modules of the plugins whose nodes and connectors the pipeline has: its own package would hide them."""
    registry = context.registry
    modules = {
        module for connection in pipeline.connections for module in registry.modules(CONNECTORS, connection.connector)
    }
    for node in pipeline.body.walk():
        spec = registry.node(node.type, node.version)
        if spec is not None and registry.plugin(NODE_TYPES, spec.key) is not None:
            paths = (spec.call, spec.result_model, spec.region.gather if spec.region is not None else "")
            modules |= {path.partition(":")[0].partition(".")[0] for path in paths if path}
            modules |= registry.modules(NODE_TYPES, spec.key)
    return modules


def _package_rule() -> str:
    return (
        "The name becomes that of a Python package: lower-case letters, digits and `_`, a letter first, "
        f"at most {MAX_LENGTH} characters, no keyword of Python."
    )


def _check_items(region: Region, around: Mapping[str, Origin], ids: Mapping[str, Node], context: Context) -> None:
    """Check the names that regions bind: no name means two things in one place."""
    for node in region.nodes:
        if node.body is None:
            continue
        place = node.place("param:as")
        for name in node.body.variables:
            if not _NAME.fullmatch(name) or len(name) > MAX_LENGTH:
                context.report(_invalid("item", name, place))
            elif name in RESERVED_IDS or name in WORDS:
                message = f"the item of `{node.id}` has the reserved name `{name}`"
                notes = ("Expressions know something else by that name.",)
                context.report(Diagnostic("reserved-id", message, place, notes=notes))
            elif name in ids or name in around:
                what = "a node" if name in ids else "the item of a region around it"
                related = (Related(ids[name].place("id") if name in ids else around[name], f"{what} has that name"),)
                message = f"the item of `{node.id}` and {what} are named {_quoted(name)}"
                context.report(Diagnostic("duplicate-id", message, place, related=related))
        _check_items(node.body, {**around, **dict.fromkeys(node.body.variables, place)}, ids, context)


def _is_named(node: Node) -> bool:
    """Whether an author gave it its name; others are named after what they are a part of."""
    is_after = node.type == COMPENSATE and node.id.endswith(f"/{COMPENSATE}")
    return node.type not in INNER_TYPES and not is_part(node) and not is_after


def _check_node(node: Node, context: Context) -> None:
    if node.type == ARM and not _NAME.fullmatch(node.id.rpartition("/")[2]):
        context.report(_invalid("arm", node.id.rpartition("/")[2], node.place("id")))
    if not _is_named(node):
        return
    place = node.place("id")
    if not _NAME.fullmatch(node.id) or len(node.id) > MAX_LENGTH:
        context.report(_invalid("node", node.id, place))
    elif node.type == RETURN and node.id != RETURN:
        notes = ("What a pipeline gives back is one node, whose id is `return`.",)
        context.report(Diagnostic("reserved-id", f"the return node has the id `{node.id}`", place, notes=notes))
    elif node.id in RESERVED_IDS and node.type != RETURN:
        meaning = {INPUT: "the pipeline's input", RUN: "the run"}.get(node.id, "what the pipeline gives back")
        notes = (f"In expressions `{node.id}` means {meaning}.",)
        context.report(Diagnostic("reserved-id", f"a node has the reserved id `{node.id}`", place, notes=notes))
    elif node.id == COMPENSATE:
        notes = ("What takes back what a call did has this name beneath that of the call, as its nodes have theirs.",)
        context.report(Diagnostic("reserved-id", f"a node has the reserved id `{node.id}`", place, notes=notes))
    elif node.id in WORDS:
        notes = (f"`{node.id}` is a word of the expression language, so no expression could read the node.",)
        context.report(Diagnostic("reserved-id", f"a node has the reserved id `{node.id}`", place, notes=notes))


def _check_plain(kind: str, named: Iterable[tuple[str, Origin]], context: Context) -> None:
    for name, origin in named:
        if not _NAME.fullmatch(name) or len(name) > MAX_LENGTH:
            context.report(_invalid(kind, name, origin))


def _invalid(kind: str, name: str, origin: Origin) -> Diagnostic:
    rule = f"Letters, digits and `_`, no digit first, at most {MAX_LENGTH} characters."
    return Diagnostic("invalid-name", f"a {kind} cannot be named {_quoted(name)}", origin, notes=(rule,))


def _quoted(name: str) -> str:
    shown = name if len(name) <= MAX_LENGTH else f"{name[:MAX_LENGTH]}…"
    return "`" + "".join(char if is_printable(char) else "�" for char in shown) + "`"


def _check_twice(kind: str, named: Iterable[tuple[str, Origin]], context: Context) -> None:
    first: dict[str, Origin] = {}
    for name, origin in named:
        if name not in first:
            first[name] = origin
            continue
        related = (Related(first[name], "the first one stands here"),)
        context.report(Diagnostic("duplicate-id", f"two {kind}s are named {_quoted(name)}", origin, related=related))
