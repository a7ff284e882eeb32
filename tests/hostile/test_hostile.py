"""User text stays data: whatever is written, it is refused with a finding, or the emitted files hold it as it was and no more."""

import json
import re
import sys
from dataclasses import fields
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

from hypothesis import given, settings

from saltern_compiler.diagnostics.render import render_json, render_terminal
from saltern_compiler.driver import compile_source
from saltern_compiler.registry import GROUPS, TARGETS, Registry
from saltern_runtime.models import plain
from tests.hostile.shapes import calls, invisible, shape
from tests.hostile.texts import (
    Names,
    Texts,
    document,
    modules,
    one_name,
    one_text,
    some_names,
    some_texts,
)
from tests.support.built import importable
from tests.support.effort import tries

EMITTERS = tuple(
    path.parent.name for path in sorted((Path(__file__).parents[2] / "targets/saltern_targets").glob("*/target.py"))
)
few = settings(max_examples=tries(8, 24))
fewer = settings(max_examples=tries(4, 12))


@cache
def registry():
    """Return what is installed, and targets that came into the tree since."""
    points = [point for group in GROUPS for point in metadata.entry_points(group=group)]
    there = {point.name for point in points if point.group == TARGETS}
    later = [
        metadata.EntryPoint(name, f"saltern_targets.{name}.target:TARGET", TARGETS)
        for name in EMITTERS
        if name not in there
    ]
    return Registry.from_entry_points([*points, *later])


def compiled(t=Texts(), n=Names(), notation="json"):  # noqa: B008 - both are frozen
    text = json.dumps(document(t, n))
    return text, compile_source(
        text, source_name=f"{t.source}.{notation}", files=modules(n), targets=EMITTERS, registry=registry(), optimize=0
    )


def refused(text, result):
    """Whether the checks found something; what they say can be shown to a person and a program."""
    if not result.has_errors:
        assert result.artifacts
        return False
    shown = render_terminal(result.diagnostics, text, "x.json", color=False)
    assert not invisible(shown.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()), shown
    json.loads(render_json(result.diagnostics, text, "x.json"))
    return True


def harmless(t):
    """Return the twin of texts: plain ones, blank where they are, since nothing is written for those."""
    made = {each.name: "w" if getattr(t, each.name).strip() else "" for each in fields(Texts)}
    kept = {name: "w" if getattr(t, name) else "" for name in ("doc", "label", "before", "after")}
    return Texts(**{**made, **kept, "member": "w", "case": "w"})


@cache
def twin(t):
    _, result = compiled(t)
    assert not result.has_errors, result.diagnostics
    return {path: shape(path, data) for path, data in result.artifacts.items()}


class Recorder:
    """Stands for a module of node functions: a call returns its own arguments."""

    def __getattr__(self, name):
        return lambda ctx, **given: given


def emitted(result, tmp_path_factory):
    tree = tmp_path_factory.mktemp("hostile")
    for path, data in result.artifacts.items():
        if path.endswith((".py", ".json")):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
    return tree


def check_meaning(result, t, n, tmp_path_factory):
    """Import the package, and find every text where it belongs, as it was."""
    package = next(path for path in result.artifacts if path.endswith("/graph.py")).partition("/")[0]
    with importable(emitted(result, tmp_path_factory), package) as load:
        for name in ("models", "graph", "api", "tasks"):
            load(name)
        nodes, models, graph = load("nodes"), load("models"), load("graph").GRAPH
        own = load(n.module)
        for name, value in list(vars(nodes).items()):
            if isinstance(value, ModuleType) and value.__name__.startswith("saltern_runtime.nodes."):
                setattr(nodes, name, Recorder())
        functions = {each.id: each for stage in graph.stages.values() for each in stage.nodes}
        given = {n.field: t.literal, n.second: t.taken}
        start = models.Input.model_validate(given)
        assert start.to_json() == given
        assert models.Input.model_json_schema()["properties"][n.field].get("description", "") == t.doc
        assert plain(functions[n.node]()) == {n.key: t.literal, "list": [t.literal, {n.inner: t.literal}]}
        assert functions[n.other](input=start) == t.start + t.literal + t.end
        assert functions["said"]() == t.expression
        assert functions["route"](input=start) == f"case.{t.taken}"
        assert functions["branch"]() == t.taken
        assert functions["say"](None, **{parameter(functions["say"]): "x"}) == {"channel": t.channel, "text": "x"}
        asked = functions["ask"](None)
        assert asked["query"] == asked["body"] == {n.key: t.query}
        chat = functions["chat"](None)
        assert chat["prompt"] == t.prompt
        answer = {n.inner: t.first}
        assert chat["response"].model_validate(answer).to_json() == answer
        assert functions["own"](None) == {"function": own.f, "args": {"v": t.argument}, "result": str}
        connection = graph.connections[n.connection]
        assert connection.secrets == {"token": f"env:{n.env}"}
        assert graph.connections["brain"].settings == {"model": t.model}
        branch = graph.stages["branch"]
        assert [(each.node, each.handle) for each in branch.when] == [("route", f"case.{t.taken}")]
        paths = [route.path for route in load("api").router.routes]
        assert f"/{n.path}" in paths
    assert "saltern_pwned" not in sys.modules


def parameter(function):
    """Return the keyword under which a function takes its one value."""
    code = getattr(function, "call", function)
    import inspect

    return list(inspect.signature(code).parameters)[1]


def check_texts(t, tmp_path_factory):
    text, result = compiled(t)
    if refused(text, result):
        return
    usual = twin(harmless(t))
    assert result.artifacts.keys() == usual.keys()
    for path, data in result.artifacts.items():
        assert invisible(data) == [], path
        assert not any(re.match(rb"#.*coding[:=]", line) for line in data.split(b"\n")[:2]), path
        assert shape(path, data) == usual[path], path
    check_meaning(result, t, Names(), tmp_path_factory)


def check_names(n, tmp_path_factory):
    text, result = compiled(n=n)
    if refused(text, result):
        return
    _, usual = compiled()
    for path, data in result.artifacts.items():
        shape(path, data)
        assert invisible(data) == [], path
    extra = set.union(*(calls(data) for path, data in result.artifacts.items() if path.endswith(".py")))
    extra -= set.union(*(calls(data) for path, data in usual.artifacts.items() if path.endswith(".py")))
    package = next(path for path in result.artifacts if path.endswith("/graph.py")).partition("/")[0]
    assert not [each for each in extra if not may_stand(each, package)], extra
    check_meaning(result, Texts(), n, tmp_path_factory)


def may_stand(name, package):
    """Whether a name that the harmless twin does not call is a class, an alias or a module of the package's own."""
    return name.isidentifier() or name.startswith((f"from {package}", f"import {package}")) or name.endswith(".f")


@few
@given(t=one_text)
def test_a_hostile_text_is_data(t, tmp_path_factory):
    """One hostile text at one place: the code has the shape of its harmless twin, and holds the text."""
    check_texts(t, tmp_path_factory)


@fewer
@given(t=some_texts)
def test_hostile_texts_are_data(t, tmp_path_factory):
    """Hostile texts at every place at once."""
    check_texts(t, tmp_path_factory)


@few
@given(n=one_name)
def test_a_hostile_name_is_data(n, tmp_path_factory):
    """One hostile name at one place: it is refused, or the package imports and means the same."""
    check_names(n, tmp_path_factory)


@fewer
@given(n=some_names)
def test_hostile_names_are_data(n, tmp_path_factory):
    """Hostile names at every place at once; most are refused, all of them in the same answer."""
    check_names(n, tmp_path_factory)
