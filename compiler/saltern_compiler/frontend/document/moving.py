"""Rewrites nodes of a document in its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saltern_compiler.frontend.document.jsontext import Unreadable, escape
from saltern_compiler.frontend.document.print_values import editor_value
from saltern_compiler.frontend.document.rewriting import Rewriter
from saltern_compiler.frontend.document.texts import read_text
from saltern_compiler.frontend.moves import Entries, Move, Replaced, entries_of
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.ir.values import Literal
from saltern_runtime.spec import Json


def move_nodes(text: str, moves: Sequence[Move], *, yaml: bool) -> list[Replaced]:
    """Return what to replace; the text can be read."""
    document, _ = read_text(text, yaml=yaml)
    assert not isinstance(document, Unreadable), "it was read before"
    rewriter = Rewriter(text, yaml)
    edges: set[int] = set()
    for move in moves:
        made = entries_of(move)
        _version(rewriter, move)
        edges |= _edges(rewriter, move.node, made, document.get("edges", []))
        _params(rewriter, move.node, made, document)
    if edges:
        rewriter.drop("/edges", edges)
    return rewriter.changes


def _version(rewriter: Rewriter, move: Move) -> None:
    at = _pointer(move.node)
    written = [each for each in (f"{at}/typeVersion", f"{at}/data/typeVersion") if rewriter.has(each)]
    for each in written:
        rewriter.put(each, move.version)
    if not written:
        rewriter.add(at, {"typeVersion": move.version}, after="type")


def _edges(rewriter: Rewriter, node: Node, made: Entries, edges: Sequence[Json]) -> set[int]:
    """Lead edges to the new names of what they bind; return those that lead nowhere now."""
    gone: set[int] = set()
    for number, edge in enumerate(edges):
        if not isinstance(edge, dict) or edge.get("target") != node.id:
            continue
        name = edge.get("targetHandle")
        if name in made.dropped or name in made.values:
            gone.add(number)
        elif name in made.names:
            rewriter.put(f"/edges/{number}/targetHandle", made.names[name])
    return gone


def _params(rewriter: Rewriter, node: Node, made: Entries, document: Json) -> None:
    at = _pointer(node)
    data = document["nodes"][int(at.rpartition("/")[2])].get("data")
    params = data.get("params") if isinstance(data, dict) else None
    written = params if isinstance(params, dict) else {}
    gone = [name for name in made.dropped if name in written]
    added = _added(made, written)
    if gone and added and len(gone) == len(written):
        rewriter.put(f"{at}/data/params", added)
        return
    for old, new in made.names.items():
        if old in written:
            rewriter.rename(_member(at, old), new)
    for old, value in made.values.items():
        if old in written:
            rewriter.put(_member(at, old), _value(value))
    if gone:
        rewriter.drop(f"{at}/data/params", gone)
    if isinstance(params, dict):
        rewriter.add(f"{at}/data/params", added)
    elif added and isinstance(data, dict):
        rewriter.add(f"{at}/data", {"params": added})
    elif added:
        rewriter.add(at, {"data": {"params": added}})


def _added(made: Entries, written: Mapping[str, Json]) -> dict[str, Json]:
    """Return what no member stands for: new parameters, and those that edges gave their values."""
    instead = {made.names.get(old, old): _value(value) for old, value in made.values.items() if old not in written}
    return instead | {name: _value(value) for name, value in made.added}


def _pointer(node: Node) -> str:
    assert node.origin.pointer is not None, "a document has pointers"
    return node.origin.pointer


def _member(at: str, name: str) -> str:
    return f"{at}/data/params/{escape(name)}"


def _value(value: Json) -> Json:
    return editor_value(Literal(value), {})
