"""Constructs in each other, eight levels deep, at random: what a run gives is what a few lines of Python say that it must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.service import in_one_process
from saltern_runtime.graph import Graph
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.views import RunView
from tests.support.built import importable
from tests.support.effort import tries
from tests.support.once import finish_all

DEPTH = 8


class FailedError(Exception):
    """What the pipeline says here fails."""


@dataclass
class Program:
    """Says what a random tree of constructs looks like in the language, and what it gives."""

    names: Any = field(default_factory=count)
    files: dict[str, str] = field(default_factory=dict)
    """Pipelines that are called: name of the file → text."""
    uses: list[str] = field(default_factory=list)
    started: dict[str, tuple] = field(default_factory=dict)
    """Pipelines that are started: name → what stands in it."""

    def name(self) -> str:
        return f"n{next(self.names)}"

    def write(self, tree: tuple, known: str = "") -> tuple[list[str], str]:
        """Return the lines of a construct, and the expression that reads what it gives; `known` is an int in sight."""
        kind, *parts = tree
        return getattr(self, f"write_{kind}")(known, *parts)

    def write_leaf(self, known: str, number: int) -> tuple[list[str], str]:
        name = self.name()
        return [f"{name} = set {{ value: {number}{f' + {known}' if known else ''} }}"], name

    def write_asked(self, known: str, number: int) -> tuple[list[str], str]:
        """What nobody decides is decided by its deadline."""
        name, after = self.name(), self.name()
        asked = f'{name} = approval {{ ask: "?", deadline: 20ms, default: "no" }}'
        value = f'{name}.decision == "no" ? {number}{f" + {known}" if known else ""} : 0'
        return [asked, f"{after} = set {{ value: {value} }}"], after

    def write_fail(self, _: str) -> tuple[list[str], str]:
        name = self.name()
        return [f"{name} = set {{ value: 1 / input.zero }}"], name

    def write_foreach(self, _: str, items: int, on_error: str, inner: tuple) -> tuple[list[str], str]:
        name, item = self.name(), self.name()
        lines, value = self.write(inner, item)
        head = f"{name} = foreach {item} in {list(range(items))}, at most 2, on error {on_error} {{"
        return [head, *lines, f"yield {value}", "}"], name

    def write_while(self, _: str, rounds: int, inner: tuple) -> tuple[list[str], str]:
        name, state = self.name(), self.name()
        lines, value = self.write(inner, f"{state}.n")
        head = f"{name} = while {state}: {{ n: int, got: any }} = {{ n: 0, got: null }}, {state}.n < {rounds}, at most 5 {{"
        return [head, *lines, f"next {{ n: {state}.n + 1, got: {value} }}", "}"], name

    def write_try(self, known: str, body: tuple, handler: tuple) -> tuple[list[str], str]:
        name, error = self.name(), self.name()
        tried, value = self.write(body, known)
        caught, other = self.write(handler, known)
        return [
            f"{name} = try {{",
            *tried,
            f"yield {value}",
            f"}} catch {error} {{",
            *caught,
            f"yield [{error}.attempts > 0, {other}]",
            "}",
        ], name

    def write_race(self, known: str, join: str, inner: tuple, other: tuple) -> tuple[list[str], str]:
        """Two arms; of a race, the second sleeps for a day."""
        name, nap, late = self.name(), self.name(), self.name()
        left, one = self.write(inner, known)
        if join == "all":
            right, two = self.write(other, known)
            lines = [
                f"{name} = parallel {{",
                "a => {",
                *left,
                f"yield {one}",
                "}",
                "b => {",
                *right,
                f"yield {two}",
                "}",
                "}",
            ]
            return lines, name
        right = [f"{nap} = wait {{ for: 1d }}", f"{late} = set after {nap} {{ value: 1 }}"]
        head = f"{name} = parallel, join {join} {{"
        return [head, "a => {", *left, f"yield {one}", "}", "b => {", *right, f"yield {late}", "}", "}"], name

    def write_call(self, known: str, inner: tuple) -> tuple[list[str], str]:
        """What stands inside is a pipeline of its own, which knows nothing of what stands around."""
        name, called = self.name(), self.beside(inner)
        return [f"{name} = call {called} {{ zero: input.zero, known: {known or 0} }}"], name

    def write_start(self, known: str, number: int, inner: tuple) -> tuple[list[str], str]:
        """What stands inside is a run of its own; here its id is known to be there."""
        name, after, called = self.name(), self.name(), self.beside(inner)
        self.started[called] = inner
        begun = f"{name} = start {called} {{ zero: input.zero, known: {known or 0} }}"
        return [begun, f'{after} = set {{ value: {name} != "" ? {number}{f" + {known}" if known else ""} : 0 }}'], after

    def beside(self, inner: tuple) -> str:
        """Make a pipeline of its own, and use it."""
        name = self.name()
        other = Program(self.names, self.files, started=self.started)
        self.files[f"{name}.saltern"] = other.text(name, inner, "{ zero: int, known: int }", "input.known")
        self.uses.append(f'use {name} = "./{name}.saltern"')
        return name

    def text(self, name: str, tree: tuple, given: str, known: str = "") -> str:
        """Write a whole pipeline."""
        lines, value = self.write(tree, known)
        return "\n".join([f"pipeline {name}", f"input {given}", *self.uses, *lines, f"return {value}"]) + "\n"

    def write_branch(self, known: str, number: int, then: tuple, otherwise: tuple) -> tuple[list[str], str]:
        name, after = self.name(), self.name()
        left, one = self.write(then, known)
        right, two = self.write(otherwise, known)
        lines = [f"{name} = if input.zero == {number} {{", *left, "} else {", *right, "}"]
        return [*lines, f"{after} = merge {{ values: [{one}, {two}] }}"], after

    def write_handled(self, known: str, inner: tuple, handler: tuple) -> tuple[list[str], str]:
        """A loop of one item whose failure takes a branch."""
        name, item, after = self.name(), self.name(), self.name()
        lines, value = self.write(inner, item)
        caught, other = self.write(handler, known)
        head = [f"{name} = foreach {item} in [7] {{", *lines, f"yield {value}", "} on error {", *caught, "}"]
        return [*head, f"{after} = merge {{ values: [{name}, {other}] }}"], after


def value_of(tree: tuple, known: int = 0) -> Any:
    """Say what a construct gives; raises FailedError."""
    match tree:
        case ("leaf" | "asked", number) | ("start", number, _):
            return number + known
        case ("fail",):
            raise FailedError
        case ("foreach", items, on_error, inner):
            return _each(items, on_error, inner)
        case ("while", rounds, inner):
            return _last(rounds, inner)
        case ("try", body, handler):
            return _caught(lambda: value_of(body, known), lambda: [True, value_of(handler, known)])
        case ("handled", inner, handler):
            return _caught(lambda: [value_of(inner, 7)], lambda: value_of(handler, known))
        case ("race", join, inner, other):
            first = value_of(inner, known)
            return {"a": first, "b": value_of(other, known)} if join == "all" else {"arm": "a", "value": first}
        case ("call", inner):
            return value_of(inner, known)
        case ("branch", number, then, otherwise):
            return value_of(then if number == 0 else otherwise, known)
    raise AssertionError(tree)


def _caught(body: Callable[[], Any], handler: Callable[[], Any]) -> Any:
    try:
        return body()
    except FailedError:
        return handler()


def _last(rounds: int, inner: tuple) -> dict[str, Any]:
    state: dict[str, Any] = {"n": 0, "got": None}
    while state["n"] < rounds:
        state = {"n": state["n"] + 1, "got": value_of(inner, state["n"])}
    return state


def _each(items: int, on_error: str, inner: tuple) -> list[Any]:
    got = []
    for item in range(items):
        try:
            got.append(value_of(inner, item))
        except FailedError:
            if on_error == "stop":
                raise
    return got


def trees(depth: int) -> st.SearchStrategy[tuple]:
    """Make constructs that stand in each other that deep along one way, and less along the others."""
    leaf = st.one_of(st.tuples(st.sampled_from(["leaf", "leaf", "asked"]), st.integers(0, 9)), st.just(("fail",)))
    if depth == 0:
        return leaf
    deep = trees(depth - 1)
    short = trees(min(depth - 1, 1))
    return st.one_of(
        st.tuples(st.just("foreach"), st.integers(0, 2), st.sampled_from(["stop", "continue"]), deep),
        st.tuples(st.just("while"), st.integers(0, 2), deep),
        st.tuples(st.just("try"), deep, short),
        st.tuples(st.just("try"), short, deep),
        st.tuples(st.just("call"), deep),
        st.tuples(st.just("start"), st.integers(0, 9), deep),
        st.tuples(st.just("race"), st.sampled_from(["all", "first"]), deep, short),
        st.tuples(st.just("branch"), st.integers(0, 1), deep, short),
        st.tuples(st.just("handled"), deep, short),
    )


@settings(
    max_examples=tries(10, 50),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(tree=trees(DEPTH))
def test_nested_constructs_give_what_they_say(
    tree: tuple, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever stands in what: values, failures and where these are caught."""
    program = Program()
    text = program.text("nested", tree, "{ zero: int }")
    result = compile_source(text, source_name="nested.saltern", files=program.files)
    assert not result.has_errors, (text, program.files, [(each.message, each.notes) for each in result.diagnostics])
    folder = tmp_path_factory.mktemp("nested") / "tree"
    write_tree(result.artifacts, folder)
    with importable(folder, "nested") as load:
        runs = all_of(load("graph").GRAPH, redis_url)
    holds(program, text, tree, runs)


def all_of(graph: Graph, redis_url: str) -> list[RunView]:
    """Run a pipeline, and all that it starts, to the end."""
    tenant = new_nonce()
    with in_one_process(graph, redis_url=redis_url) as opened:
        opened.service.start({"zero": 0}, tenant=tenant, trigger="run")
        return finish_all(opened, tenant)


def holds(program: Program, text: str, tree: tuple, runs: list[RunView]) -> None:
    """Hold a run, and those that it started, against what they must give."""
    for run in runs:
        if run.parent is None:
            _holds(text, run, tree)
        else:
            _holds(str(program.files), run, program.started[run.pipeline], run.input["known"])


def _holds(text: str, view: RunView, tree: tuple, known: int = 0) -> None:
    try:
        expected = value_of(tree, known)
    except FailedError:
        assert view.state == "FAILED", text
        assert view.failure is not None
        assert view.failure.code in {"division-by-zero", "race-failed"}, text
    else:
        assert view.state == "SUCCEEDED", (text, view.failure)
        assert view.output == expected, text
