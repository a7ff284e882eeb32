"""Generated trees are code that a checker, a formatter and Python itself are content with."""

import ast
import asyncio
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from saltern_compiler.driver import Source, compile_loaded, compile_source, write_tree
from saltern_runtime import SKIPPED
from tests.support.built import ROOT, SOURCES, build, importable
from tests.support.typed import typed

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Every case, built once."""
    folder = tmp_path_factory.mktemp("trees")
    return {case: build(case, folder / case) for case in SOURCES}


def run(*command, cwd):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", SOURCES)
def test_ruff_has_nothing_to_say(case, trees):
    """Formatter and linter pass under the settings of the tree's own pyproject.toml."""
    run(BIN / "ruff", "format", "--check", "--no-cache", ".", cwd=trees[case])
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=trees[case])


def test_mypy_is_content(trees, tmp_path):
    """The packages pass mypy --strict."""
    packages = [trees[case] / case for case in SOURCES]
    said, status = typed(*packages, cwd=tmp_path)
    assert status == 0, said


@pytest.mark.parametrize("case", SOURCES)
def test_every_module_imports(case, trees):
    """The package and each of its modules import; the graph fits together."""
    with importable(trees[case], case) as load:
        for path in sorted((trees[case] / case).rglob("*.py")):
            parts = path.relative_to(trees[case] / case).with_suffix("").parts
            load(".".join(part for part in parts if part != "__init__"))
        assert load("graph").GRAPH.digest.startswith("sha256:")


@pytest.mark.parametrize("case", SOURCES)
def test_the_front_exports_what_it_says(case, trees):
    """`from support_triage import router` works, and so does every other name in `__all__`."""
    with importable(trees[case], case) as load:
        package = load("")
        assert set(package.__all__) >= {"GRAPH", "Input", "Output", "create_app", "router"}
        assert all(getattr(package, name) is not None for name in package.__all__)
        with pytest.raises(AttributeError, match="no_such_name"):
            package.no_such_name  # noqa: B018 - reading it is the test


@pytest.mark.parametrize("case", SOURCES)
def test_the_source_map_leads_back(case, trees):
    """Each function of the source map exists, and its place is where the node stands in the source."""
    written = json.loads((trees[case] / case / "source_map.json").read_text())
    with importable(trees[case], case) as load:
        for node_id, entry in written["nodes"].items():
            if "elided" in entry:  # no stage runs it, so it has no function
                continue
            module, _, name = entry["function"].removeprefix(f"{case}.").rpartition(".")
            function = getattr(load(module), name)
            assert node_id == function.id or (
                entry["source"] and node_id.endswith((f"/{function.id}", f":{function.id}"))
            )
            lines = (SOURCES[case].parent / entry.get("source", written["source"])).read_text().splitlines()
            if entry["place"].startswith("/"):  # of a drawing
                number = int(entry["place"].rpartition("/")[2])
                assert json.loads("\n".join(lines))["nodes"][number]["id"] == function.id
                continue
            line, _ = entry["place"].split(":")
            word, kind = (
                function.id.rpartition("/")[2],
                function.type.partition("@")[0],
            )  # what a body gives is written as `yield`; a condition stands before its `at most`
            whole = {"check": "at most", "attempt": "try", "catch": "try", "arm": "parallel"}
            written_as = whole.get(kind, word)
            assert any(written_as in text for text in lines[int(line) - 1 : int(line) + 4])


def test_a_node_is_called_like_a_function(trees):
    """A unit test of a team calls a node's function with an Input of its own, no engine around it."""
    with importable(trees["order_totals"], "order_totals") as load:
        nodes, models = load("nodes"), load("models")
        line = {"sku": "x", "quantity": 2, "unit_price": 250}
        given = models.Input(order="1", customer="member", country="CH", lines=[line, {**line, "quantity": 0}])
        kept = nodes.ordered(input=given)
        assert [each.quantity for each in kept] == [2]
        assert nodes.amounts(ordered=kept) == [500]
        assert nodes.discounts(input=given) == "case.member"
        assert nodes.is_large(subtotal=10_000) == "then"
        assert nodes.discount(large_discount=SKIPPED, small_discount=7, staff_discount=SKIPPED) == 7
        assert nodes.discount(large_discount=SKIPPED, small_discount=SKIPPED, staff_discount=SKIPPED) == 0


def test_models_are_json_under_their_own_names(trees):
    """Fields keep their JSON names whatever Python allows; what is absent stays absent; personal fields say so."""
    with importable(trees["rich_case"], "rich_case") as load:
        model = load("models").Input
        data = {
            "user-name": "Ada", "class": "gold", "customer": {"id": 1, "tags": [], "address": {"city": "X", "zip": None}},
            "lines": [{"sku": "a", "price": 11, "quantity": 1}], "extra": {"a": 1}, "anything": [None], "priority": 2, "flag": True,
            "when": "2024-05-01T00:00:00Z",
        }  # fmt: skip
        given = model.model_validate(data)
        assert given.user_name == "Ada"
        assert given.to_json() == {**data, "lines": [{"sku": "a", "price": 11.0, "quantity": 1}]}
        assert model.model_json_schema()["properties"]["user-name"]["x-saltern-personal"] is True
        nodes = load("nodes")
        assert nodes.nickname(input=given) is None
        assert nodes.by(input=given) == "case.2"
        assert [each.total for each in nodes.dearest(input=given)] == [11.0]
        assert nodes.b().to_json() == {"city": "x", "zip": None}
        assert given.when == datetime(2024, 5, 1, tzinfo=UTC)


def test_a_switch_tells_true_from_one(trees):
    """Python's `case 1` takes True as well; a switch over dynamic values does not."""
    with importable(trees["checked_works"], "checked_works") as load:
        nodes, model = load("nodes"), load("models").Input
        given = {"when": "2024-05-01T00:00:00Z", "length": "PT1H", "prices": {}, "sku": "a", "rows": []}
        assert [nodes.kind(input=model(**given, key=key)) for key in (1, True, False)] == [
            "case.1",
            "case.true",
            "else",
        ]
        assert [nodes.digit(input=model(**given, key=key)) for key in (0, False)] == ["case.0", "else"]


def test_bytes_are_equal_everywhere(tmp_path):
    """Hash seeds, folders, the locale and the time zone change no byte."""
    script = (
        "import sys, json, hashlib; from saltern_compiler.driver import Source, compile_loaded\n"
        "files = compile_loaded(Source.load(sys.argv[1])).artifacts\n"
        "print(json.dumps({path: hashlib.sha256(data).hexdigest() for path, data in files.items()}))"
    )
    seen = set()
    for index, (seed, zone) in enumerate((("0", "UTC"), ("1", "Asia/Tokyo"), ("4242", "America/New_York"))):
        folder = tmp_path / f"place {index}"
        folder.mkdir()
        source = folder / "rich_case.saltern"
        source.write_bytes(SOURCES["rich_case"].read_bytes())
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(
            [sys.executable, "-c", script, str(source)], cwd=folder, env=env, capture_output=True, text=True, check=True
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_building_touches_neither_network_nor_clock_nor_chance(monkeypatch):
    """Compiling asks for no socket, no time and no random number."""

    def refuse(*args, **kwargs):
        raise AssertionError("not while compiling")

    source = Source.load(str(SOURCES["support_triage"]))
    compile_loaded(source)  # plugins are imported once, and imports may look at the clock
    for module, name in (
        (socket, "socket"), (socket, "create_connection"), (time, "time"), (time, "time_ns"), (time, "monotonic"),
        (os, "urandom"), (random, "random"), (random, "Random"), (secrets, "token_bytes"), (subprocess, "Popen"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, refuse)
    assert not compile_loaded(source).has_errors


HARMLESS = "harmless"
HOSTILE = [
    'a "quoted" text', "it's", "back\\slash", "{{ nothing }} {curly} }{", "line\nend\r\ttab", '"""', "'''", "\u202eabc\u2066",
    "\x00\x1b[31m", '"); import os; os.system("true") #', "${x} %s {0}", "\ud7ff\U0001f600é", "\\N{BULLET}\\u0041", "# noqa", "\x85\u2028\u2029",
]  # fmt: skip


def document(text):
    """Write an editor's document with a text in every place that takes one."""
    node = {
        "id": "greet",
        "type": "template",
        "data": {"label": text, "params": {"text": {"$template": text.replace("{", "(") + "{{ input.name }}"}}},
    }
    kept = {"id": "kept", "type": "set", "data": {"label": text, "params": {"value": {"$literal": {text: [text]}}}}}
    ask = {
        "id": "ask", "type": "http.request", "data": {"label": text, "params": {"url": "https://example.com", "headers": {text: text}, "method": "GET"}},
    }  # fmt: skip
    choose = {
        "id": "choose",
        "type": "switch",
        "data": {"params": {"value": {"$expr": "input.name"}, "cases": [text, "z"]}},
    }
    back = {
        "id": "return",
        "type": "return",
        "data": {"params": {"value": {"a": {"$expr": "greet"}, "k": {"$expr": "kept"}, "s": {"$expr": "ask.status"}}}},
    }
    return json.dumps(
        {
            "schemaVersion": 1, "name": "hostile", "description": text,
            "inputs": {"type": "object", "properties": {"name": {"type": "string", "description": text}}, "required": ["name"]},
            "nodes": [node, kept, ask, choose, back], "edges": [],
        }
    )  # fmt: skip


def shape(source):
    """Dump the tree of a module with its texts and the names of fields taken out."""
    tree = ast.parse(source)
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            each.value = ""
        if isinstance(each, ast.AnnAssign):
            each.target = ast.Name("field", ast.Store())
            each.annotation = ast.Name("type", ast.Load())
        if isinstance(each, ast.keyword):
            each.arg = "keyword"
        if isinstance(each, ast.JoinedStr):
            each.values = [value for value in each.values if not isinstance(value, ast.Constant)]
    return ast.dump(tree)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text, level):
    """Whatever stands in labels, descriptions, literals, templates, keys and cases: the code has the shape of a harmless twin's."""
    twins = []
    for each in (HARMLESS, text):
        result = compile_source(document(each), source_name="hostile.json", optimize=level)
        assert not result.has_errors, result.diagnostics
        twins.append({path: data.decode() for path, data in result.artifacts.items() if path.endswith(".py")})
    harmless, hostile = twins
    assert harmless.keys() == hostile.keys()
    for path, source in hostile.items():
        assert shape(source) == shape(harmless[path]), path
        assert source.isprintable() or all(char.isprintable() or char == "\n" for char in source), path


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_out_as_they_went_in(text, tmp_path):
    """The literals of the generated code are the user's texts, character by character; the formatter has nothing to change."""
    result = compile_source(document(text), source_name="hostile.json", optimize=0)  # no node is left out
    for path, data in result.artifacts.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    run(BIN / "ruff", "format", "--check", "--no-cache", ".", cwd=tmp_path)
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=tmp_path)
    with importable(tmp_path, "hostile") as load:
        nodes = load("nodes")
        assert nodes.kept().to_json() == {text: [text]}
        assert nodes.choose(input=load("models").Input(name=text)) == f"case.{text}"


def test_two_pipelines_live_in_one_process(trees):
    """Generated packages share nothing but the runtime: another app can include both routers."""
    from fastapi import FastAPI

    app = FastAPI()
    with (
        importable(trees["order_totals"], "order_totals") as orders,
        importable(trees["support_triage"], "support_triage") as triage,
    ):
        app.include_router(orders("").router, prefix="/orders")
        app.include_router(triage("").router, prefix="/triage")
        paths = asyncio.run(asyncio.to_thread(lambda: app.openapi()["paths"]))
    assert {"/orders/runs", "/triage/runs", "/triage/tickets"} <= set(paths)


def test_examples_live_where_the_tests_think():
    """The cases above are there."""
    assert {"order_totals", "rich_case", "support_triage"} <= set(SOURCES)
    assert ROOT.joinpath("pyproject.toml").is_file()


def test_what_a_run_returns_may_be_a_part_of_other_values(tmp_path):
    """Its class stands before the first that it is a part of, else last: the module imports."""
    lines = [
        "x = set { value: { n: input.n } }",
        "y = set { value: { inner: x, list: [x] } }",
        "z = foreach i in [1] { yield y }",
    ]
    text = "\n".join(["pipeline parts", "input { n: int }", *lines, "return { n: z[0].inner.n }"])
    result = compile_source(text, source_name="parts.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "parts") as load:
        assert load("nodes").y(x=load("models").Output(n=1)).to_json() == {"inner": {"n": 1}, "list": [{"n": 1}]}


def test_a_pipeline_without_nodes_imports(tmp_path):
    """It takes its input, does nothing, and gives null."""
    result = compile_source("pipeline nothing\n", source_name="nothing.saltern")
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "nothing") as load:
        assert load("graph").GRAPH.stages == {}
