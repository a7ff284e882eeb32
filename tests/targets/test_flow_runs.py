"""Labels are followed to wherever values really go: random pipelines are run with markers, and what saw one was found by the check."""

import random

import pytest

from saltern_compiler import compile_source
from saltern_compiler.driver import write_tree
from saltern_compiler.frontend import read
from saltern_compiler.passes.analyses.flow import FLOW
from tests.support.built import importable
from tests.support.compared import side_of_pipeline
from tests.support.effort import tries
from tests.support.once import run_once

MARKERS = {"personal": "MARKPERSONAL", "secret": "MARKSECRET"}
OWN = "def glue(x: str, y: str) -> str:\n    return y[:200] + x[:200]\n"
SUB = """pipeline sub

input { x: string, y: string }
output { x: string, y: string }

connection web = http { base_url: "WEB" }

inner = http.request(web) { method: "POST", url: "/inner", body: input.y }
return { x: `{{ input.x }}`, y: "y" }
"""
HEAD = """pipeline NAME

input {
  p: string @personal
  s: string @secret
  plain: string
  nested: { list: list<string>, marked: list<string> @personal }
}
output { all: string }

use sub = "./sub.saltern"
connection web = http { base_url: "WEB" }
"""


class Maker:
    """Writes random pipelines: each name that is in scope is a text, a list of texts, or an object of two texts."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self.calls = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def text(self, scope: dict[str, str], depth: int = 2) -> str:
        """Write an expression of a text."""
        choose = self.random.choice
        plain = [*["input.plain"] * 6, "input.p", "input.s", '"word"', "input.nested.list[0]", "input.nested.marked[0]"]
        known = [
            {"text": name, "list": f"{name}[0]", "object": f"{name}.{choose('xy')}"}[kind]
            for name, kind in scope.items()
        ]
        if depth == 0 or self.random.random() < 0.35:
            return choose([*plain, *known, *known, *known])
        a, b = (self.text(scope, depth - 1) for _ in range(2))
        return choose(
            [
                f"({a} + {b})",
                f'({a} == "word" ? {a} : {b})',
                f"{{'x': {a}, 'y': {b}}}.{choose('xy')}",
                f"[{a}, {b}].map(v, v + {b}).join('-')",
                f"[{a}, {b}][{choose('01')}]",
                f"[{a}, {b}].filter(v, v != {b}).join()",
                f"cel.bind(z, {a}, z + {b})",
                f"json.encode({{'k': {a}}})",
                f"{{({a}): {b}}}.transformList(k, v, k + v).join()",
                f'"%s/%s".format([{a}, {b}])',
                f"merge({a}, {b})",
                f"[{a}].groupBy(g, g).transformList(k, v, k).join()",
            ]
        )

    def template(self, scope: dict[str, str]) -> str:
        """Write a template of two texts."""
        return f"`a {{{{ {self.text(scope)} }}}} b {{{{ {self.text(scope, 1)} }}}}`"

    def statements(self, scope: dict[str, str], depth: int, most: int) -> list[str]:
        """Write statements, and take the names that they make into the scope."""
        lines: list[str] = []
        for _ in range(self.random.randint(1, most)):
            kinds = ["sink", "sink", "template", "set", "list", "echo", "own", "call"]
            kinds += ["foreach", "while", "try", "parallel", "if", "collect", "error"] * (depth > 0)
            lines += getattr(self, f"_{self.random.choice(kinds)}")(scope, depth)
        return lines

    def _sink(self, scope, _):
        name = self.name("sink")
        where = self.random.choice(
            [
                f"method: 'POST', url: '/{name}', body: {self.text(scope)}",
                f"url: '/{name}', query: {{ q: {self.text(scope)} }}",
            ]
        )
        return [f"{name} = http.request(web) {{ {where} }}"]

    def _template(self, scope, _):
        name, text = self.name("t"), self.template(scope)
        scope[name] = "text"
        return [f"{name} = template {{ text: {text} }}"]

    def _set(self, scope, _):
        name, x, y = self.name("o"), self.text(scope), self.text(scope)
        scope[name] = "object"
        return [f"{name} = set {{ value: {{ x: {x}, y: {y} }} }}"]

    def _list(self, scope, _):
        name, x, y = self.name("l"), self.text(scope), self.text(scope)
        scope[name] = "list"
        return [f"{name} = set {{ value: [{x}, {y}] }}"]

    def _echo(self, scope, _):
        name, of, text = self.name("sink"), self.name("t"), self.text(scope)
        scope[of] = "text"
        return [
            f"{name} = http.request(web) {{ method: 'POST', url: '/{name}', body: {text} }}",
            f"{of} = set {{ value: json.encode({name}.body) }}",
        ]

    def _own(self, scope, _):
        name, x, y = self.name("c"), self.text(scope), self.text(scope)
        scope[name] = "text"
        return [f"{name} = python.call {{ function: 'own:glue', args: {{ x: {x}, y: {y} }} }}"]

    def _call(self, scope, depth):
        if self.calls == 3:
            return self._sink(scope, depth)
        self.calls += 1
        name, x, y = self.name("k"), self.text(scope), self.text(scope)
        scope[name] = "object"
        return [f"{name} = call sub {{ x: {x}, y: {y} }}"]

    def _foreach(self, scope, depth):
        name, item, x, y = self.name("f"), self.name("i"), self.text(scope), self.text(scope)
        inner = {**scope, item: "text"}
        body = self.statements(inner, depth - 1, 2)
        result = self.text(inner)
        scope[name] = "list"
        return [f"{name} = foreach {item} in [{x}, {y}] {{", *body, f"yield {result}", "}"]

    def _collect(self, scope, depth):
        name, item, of, x = self.name("f"), self.name("i"), self.name("t"), self.text(scope)
        scope[of] = "text"
        return [
            f"{name} = foreach {item} in [{x}], on error collect {{",
            f"{name}_ask = http.request(web) {{ url: `/{name}_ask/{{{{ {item} }}}}/status/404` }}",
            "yield 'never'",
            "}",
            f"{of} = set {{ value: json.encode({name}) }}",
        ]

    def _while(self, scope, depth):
        name, state, x, y = self.name("w"), self.name("s"), self.text(scope), self.text(scope)
        inner = {**scope, state: "object"}
        body = self.statements(inner, depth - 1, 2)
        a, b = self.random.choice(
            [(f"{state}.y", f"{state}.x"), (f"{state}.y", f"{state}.y"), (self.text(inner, 1), f"{state}.x")]
        )
        scope[name] = "object"
        return [
            f"{name} = while {state} = {{ x: {x}, y: {y}, n: 0 }}, {state}.n < 2, at most 3 {{",
            *body,
            f"next {{ x: {a}, y: {b}, n: {state}.n + 1 }}",
            "}",
        ]

    def _try(self, scope, depth):
        name, error = self.name("y"), self.name("e")
        inner, caught = dict(scope), dict(scope)
        body = self.statements(inner, depth - 1, 2)
        if self.random.random() < 0.6:
            body.append(
                f"{name}_ask = http.request(web) {{ url: `/{name}_ask/{{{{ {self.text(inner)} }}}}/status/404` }}"
            )
        result = self.text(inner)
        note = self.name("t")
        caught[note] = "text"
        handler = [f"{note} = set {{ value: {error}.message }}", *self.statements(caught, depth - 1, 2)]
        scope[name] = "text"
        return [
            f"{name} = try {{",
            *body,
            f"yield {result}",
            f"}} catch {error} {{",
            *handler,
            f"yield {self.text(caught)}",
            "}",
        ]

    def _error(self, scope, depth):
        name, error, of = self.name("r"), self.name("e"), self.name("m")
        caught = dict(scope)
        note = self.name("t")
        caught[note] = "text"
        line = f"{name} = http.request(web) {{ url: `/{name}/{{{{ {self.text(scope)} }}}}/status/404` }} on error {error} {{"
        lines = [line, f"{note} = set {{ value: {error}.message }}", *self.statements(caught, depth - 1, 1), "}"]
        scope[of] = "text"
        return [
            *lines,
            f'{of} = set {{ value: merge({note}, "none") }}',
        ]

    def _parallel(self, scope, depth):
        name = self.name("p")
        lines = [f"{name} = parallel {{"]
        for arm in "xy":
            inner = dict(scope)
            body = self.statements(inner, depth - 1, 2)
            lines += [f"{arm} => {{", *body, f"yield {self.text(inner)}", "}"]
        scope[name] = "object"
        return [*lines, "}"]

    def _if(self, scope, depth):
        name, of, inner, other = self.name("b"), self.name("m"), dict(scope), dict(scope)
        a, b = self.name("t"), self.name("t")
        body = [*self.statements(inner, depth - 1, 2), f"{a} = set {{ value: {self.text(inner)} }}"]
        else_ = [f"{b} = set {{ value: {self.text(other)} }}"]
        condition = f'{self.text(scope)} {self.random.choice(["==", "!="])} "word"'
        scope[of] = "text"
        return [
            f"{name} = if {condition} {{",
            *body,
            "} else {",
            *else_,
            "}",
            f'{of} = set {{ value: merge({a}, {b}, "none") }}',
        ]

    def source(self, name: str, url: str) -> str:
        """Write a whole pipeline."""
        scope: dict[str, str] = {}
        lines = self.statements(scope, 2, 7)
        lines += self._sink(scope, 0)
        head = HEAD.replace("NAME", name).replace("WEB", url)
        return "\n".join([head, *lines, f"return {{ all: {self.text(scope)} }}", ""])


def _flagged(text: str, files: dict[str, str]) -> set[tuple[str, str]]:
    """Return each node and label that the check finds."""
    pipeline, findings = read(text, "a.saltern")
    assert pipeline is not None, (findings, text)
    side = side_of_pipeline(pipeline, files)
    errors = [
        each for each in side.analyzed.diagnostics if each.severity == "error" and not each.code.endswith("-leak")
    ]
    assert not errors, ([(each.code, each.message) for each in errors], text)
    flow = side.analyzed.context.get(FLOW, side.analyzed.pipeline)
    return {(each.node, each.label) for each in flow.arrivals if each.is_refused}


@pytest.mark.parametrize("part", range(tries(4, 40)))
def test_whatever_sees_a_marker_was_found(part, tmp_path, redis_url, web_double) -> None:
    """The same text runs without its labels: each request that has a marker in it is one that the check found, and the output too."""
    name = f"flow_run_{part}"
    text = Maker(part).source(name, web_double.url)
    files = {"sub.saltern": SUB.replace("WEB", web_double.url), "own.py": OWN}
    flagged = _flagged(text, files)
    result = compile_source(
        text.replace(" @personal", "").replace(" @secret", ""), source_name="a.saltern", files=files
    )
    assert not result.has_errors, (result.diagnostics, text)
    write_tree(result.artifacts, tmp_path / "tree")
    given = {
        "p": MARKERS["personal"],
        "s": MARKERS["secret"],
        "plain": "word",
        "nested": {"list": ["one"], "marked": [MARKERS["personal"]]},
    }
    with importable(tmp_path / "tree", name) as load:
        view = run_once(load("graph").GRAPH, given, redis_url=redis_url)
    seen: set[tuple[str, str]] = set()
    for request in web_double.received:
        whole = repr((request.path, request.query, request.headers, request.body))
        node = request.path.split("/")[1]
        seen |= {(node, label) for label, marker in MARKERS.items() if marker in whole}
    if MARKERS["secret"] in repr(view.output):
        seen.add(("return", "secret"))
    assert seen <= flagged, (seen - flagged, text)
