"""Which constructs of the language a pipeline has, and which stand right inside of which: looked up in its checked IR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.values import Literal
from tests.equivalence.running import Checked

CONSTRUCTS: Final = (
    "@cache", "@disabled", "@on_error(continue)", "@retry", "after", "all of when", "any of when", "approval", "call", "compensate",
    "else", "foreach", "foreach on error collect", "foreach on error continue", "foreach one by one", "if", "merge", "nothing yielded",
    "on error", "on limit continue", "on success", "own code", "parallel", "race any", "race first", "race quorum", "receive",
    "respond", "set", "start", "start linked", "stop", "switch", "template", "try", "wait", "while",
)  # fmt: skip
"""What a draw of CI has to have, each of them."""


@dataclass(slots=True)
class Found:
    """What a pipeline has, with all that it uses."""

    constructs: set[str] = field(default_factory=set)
    nests: set[tuple[str, str]] = field(default_factory=set)
    depth: int = 0
    """Constructs that stand in each other, along the deepest way."""


def found_in(checked: Checked) -> Found:
    """Look a pipeline through."""
    found = Found()
    callees = {path: callee.pipeline for path, callee in checked.callees.items()}
    _look(checked.analyzed.pipeline, callees, (), found)
    return found


def _look(pipeline: Pipeline, callees: dict[str, Pipeline], around: tuple[str, ...], found: Found) -> None:
    paths = {use.name: use.path.removeprefix("./") for use in pipeline.uses}
    _region(pipeline.body, callees, paths, around, found)


def _region(
    region: Region, callees: dict[str, Pipeline], paths: dict[str, str], around: tuple[str, ...], found: Found
) -> None:
    branches = {node.id: node for node in region.nodes if node.type in {"if", "switch"}}
    for node in region.nodes:
        outer = around + _branches(node, branches)
        names = tuple(_names(node))
        found.constructs.update(names)
        found.constructs.update(_handles(node))
        whole = _whole(node)
        inner = (*outer, whole) if whole else outer
        if whole and outer:
            found.nests.add((outer[-1], whole))
        found.depth = max(found.depth, len(inner))
        if node.body is not None:
            if not any(each.type in {"yield", "next"} and not each.control for each in node.body.nodes) and whole:
                found.constructs.add("nothing yielded")
            _region(node.body, callees, paths, inner, found)
        family, _, used = node.type.partition(".")
        if family in {"call", "start"}:
            _look(callees[paths[used]], callees, inner, found)


def _branches(node: Node, branches: dict[str, Node]) -> tuple[str, ...]:
    """Return the branches that a node stands in, the outermost first."""
    for edge in node.control:
        if edge.source in branches:
            return (*_branches(branches[edge.source], branches), branches[edge.source].type)
    return ()


def _whole(node: Node) -> str:
    """Return what a node is, where others can stand in it; of a part the name of the whole."""
    family = node.type.partition(".")[0]
    return {"attempt": "try", "catch": "catch", "arm": "parallel"}.get(family, family if family in _HOLDERS else "")


_HOLDERS: Final = frozenset({"foreach", "while", "call", "start", "compensate"})


def _literal(node: Node, name: str) -> object:
    value = node.param(name)
    return value.value if isinstance(value, Literal) else None


def _names(node: Node) -> Iterator[str]:
    family = node.type.partition(".")[0]
    yield "own code" if family == "python" else family
    match family:
        case "foreach":
            yield f"foreach on error {_literal(node, 'on_error') or 'stop'}"
            if _literal(node, "at_most") == 1:
                yield "foreach one by one"
        case "while" if _literal(node, "on_limit") == "continue":
            yield "on limit continue"
        case "parallel" if (join := _literal(node, "join")) not in {None, "all"}:
            yield f"race {join}"
        case "start" if _literal(node, "linked"):
            yield "start linked"
    policy = node.policy
    known = {"@cache": policy.cache, "@retry": policy.retry, "@on_error(continue)": policy.on_error == "continue"}
    yield from (name for name, value in known.items() if value)
    yield from (name for name, value in (("@disabled", node.disabled), ("after", node.after)) if value)


def _handles(node: Node) -> Iterator[str]:
    words = {"error": "on error", "success": "on success", "else": "else"}
    yield from (words[edge.handle] for edge in node.control if edge.handle in words)
    if len(node.control) > 1:
        yield f"{node.join} of when"
