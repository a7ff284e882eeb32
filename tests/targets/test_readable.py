"""Generated code explains itself: one loop of tasks, early returns, docstrings where there are labels, types that say what can be."""

import ast
from pathlib import Path

import pytest

import saltern_runtime
from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.graph import GraphError, On, Stage
from saltern_targets.python.classes import class_name
from tests.support.built import importable

HEAD = """
pipeline readable
input { kind: "a" | "b" | "c", n: int, on: bool }
"""


def built(body, path):
    """Compile a pipeline and write its tree."""
    result = compile_source(HEAD + body, source_name="readable.saltern", targets=("celery",))
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, path / "tree")
    return path / "tree"


def functions(tree: Path):
    """Return the functions of nodes.py by name."""
    module = ast.parse((tree / "readable/nodes.py").read_text())
    return {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}


def test_a_task_for_each_stage_is_registered_in_a_loop(tmp_path, monkeypatch):
    """Under the names and in the queues that bells go to, those of bodies too; and one function answers for all."""
    monkeypatch.setenv("SALTERN_REDIS_URL", "redis://127.0.0.1:1/0")
    body = "l = foreach i in [1, 2] {\n  x = set { value: i }\n  yield x\n}\nreturn { l: l }"
    with importable(built(body, tmp_path), "readable") as load:
        tasks, graph = load("tasks"), load("graph").GRAPH
        names = {name for name in tasks.app.tasks if not name.startswith("celery.")}
        assert (
            names
            == {f"readable.{stage}" for stage in graph.stages}
            == {"readable.l", "readable.l/yield", "readable.return"}
        )
        queues = {queue.name for queue in tasks.app.conf.task_queues}
        assert queues == {f"readable.{queue}" for queue in tasks.worker.engine.plans.queues}
        assert {tasks.app.tasks[name].__doc__ for name in names} == {tasks.answer.__doc__}


def test_a_docstring_is_a_label(tmp_path):
    """What its author called a node; a node without a label says all in its code."""
    body = '@label("Twice as many.")\ntwice = set { value: input.n * 2 }\nmore = set { value: twice + 1 }\nreturn { more: more }'
    found = functions(built(body, tmp_path))
    assert {name: ast.get_docstring(node) for name, node in found.items()} == {
        "twice": "Twice as many.",
        "more": None,
        "return_": None,
    }


SKIPPING = """
route = switch input.kind {
  "a" => { x = set { value: input.n } }
  "b" => { y = set { value: input.n / 2 } }
  else => {}
}
"""


def test_what_may_be_skipped_is_returned_early(tmp_path):
    """One test a line, in written order, and only what ran is computed; a single test stays in its line."""
    body = (
        SKIPPING + "m = set { value: merge(x, y, 7) }\nk = set { value: merge(x, 8) }\nj = merge { values: [y, x] }\n"
    )
    body += "return { m: m, k: k, j: j }"
    tree = built(body, tmp_path)
    found = functions(tree)
    assert [type(node).__name__ for node in found["m"].body] == ["If", "If", "Return"]
    assert [type(node).__name__ for node in found["k"].body] == ["Return"]
    assert [type(node).__name__ for node in found["j"].body] == ["If", "If", "Return"]
    with importable(tree, "readable") as load:
        nodes, skipped = load("nodes"), __import__("saltern_runtime").SKIPPED
        assert [nodes.m(x=3, y=skipped), nodes.m(x=skipped, y=4), nodes.m(x=skipped, y=skipped)] == [3, 4, 7]
        assert [nodes.j(x=3, y=4), nodes.j(x=3, y=skipped), nodes.j(x=skipped, y=skipped)] == [4, 3, None]


def test_fields_that_may_be_skipped_have_variables(tmp_path):
    """Named after the field, beside what the function reads; a name that is taken gets another."""
    body = SKIPPING + "return { x: merge(x, y), both: merge(y, x, 1), plain: input.n }"
    tree = built(body, tmp_path)
    with importable(tree, "readable") as load:
        nodes, models, skipped = load("nodes"), load("models"), __import__("saltern_runtime").SKIPPED
        given = models.Input(kind="a", n=5, on=True)
        made = [nodes.return_(input=given, x=x, y=y) for x, y in ((1, skipped), (skipped, 2), (skipped, skipped))]
    assert [(each.x, each.both, each.plain) for each in made] == [(1, 1, 5), (2, 2, 5), (None, 1, 5)]


def test_a_variable_hides_nothing_that_its_function_uses(tmp_path):
    """A field that is called like a class, a helper or an import of the function gets a variable of another name."""
    body = SKIPPING + "return {\n  OutputDeep: merge(x, y),\n  deep: { b: input.n },\n"
    body += "  divide: merge(y, x),\n  part: input.n / 2,\n  SKIPPED: merge(x, y)\n}"
    with importable(built(body, tmp_path), "readable") as load:
        nodes, models, skipped = load("nodes"), load("models"), __import__("saltern_runtime").SKIPPED
        output = nodes.return_(input=models.Input(kind="a", n=5, on=True), x=skipped, y=3)
    assert output.to_json() == {"OutputDeep": 3, "deep": {"b": 5}, "divide": 3, "part": 2, "SKIPPED": 3}


def test_a_class_has_the_name_of_nothing_that_stands_beside_it(tmp_path):
    """Nodes may be called like the classes of the runtime: `Awaits(Awaits)` would end at import."""
    names = sorted(name for name in saltern_runtime.__all__ if name[0].isupper())
    nodes = [name.lower() for name in names if class_name(name.lower()) == name]
    assert {"awaits", "starts", "node"} <= set(nodes)
    waits = "".join(f"{name} = receive {{ payload: type {{ {name}_value: int }}, deadline: 1m }}\n" for name in nodes)
    with importable(built(f"{waits}return {{ n: awaits.awaits_value }}", tmp_path), "readable") as load:
        answers = {
            stage.name: stage.ends.answer.__name__ for stage in load("graph").GRAPH.stages.values() if stage.ends
        }
    assert answers.keys() == set(nodes)
    assert set(answers.values()).isdisjoint(names)


def test_a_handle_is_one_of_those_that_a_branch_takes(tmp_path):
    """The annotation lists them, so that a wrong one in graph.py fails when it is imported."""
    body = SKIPPING + "small = if input.on { z = set { value: 1 } }\nreturn { m: merge(x, y, z, 0) }"
    with importable(built(body, tmp_path), "readable") as load:
        nodes = load("nodes")
        assert nodes.route.handles == ("case.a", "case.b", "else")
        assert nodes.small.handles == ("else", "then")
        graph = load("graph").GRAPH
        wrong = (Stage("route", (nodes.route,)), Stage("x", (nodes.x,), when=(On("route", "case.z"),)))
        with pytest.raises(GraphError, match=r"hangs on 'case\.z', which 'route' never takes"):
            type(graph)("readable", package="readable", stages=wrong)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("input.on ? 19 : 20", "int"),
        ('input.on ? "x" : input.kind', "str"),
        ("input.kind", "Literal['a', 'b', 'c']"),
        ('input.on ? input.kind : "a"', "Literal['a', 'b', 'c']"),
        ('[input.on ? "x" : "y"]', "list[str]"),
        ("route", "Literal['case.a', 'case.b', 'else']"),
    ],
)
def test_constants_open_up_and_what_was_declared_stays(tmp_path, value, annotation):
    """A node that gives 19 or 20 gives an int to those who read it; an enumeration of the input is one all the way."""
    body = SKIPPING + f"v = set {{ value: {value} }}\nreturn {{ v: v, m: merge(x, y, 0) }}"
    found = functions(built(body, tmp_path))
    assert ast.unparse(found["v"].returns) == annotation


def test_constants_go_where_an_enumeration_is_wanted():
    """They are held against the declared members before they open up; one that is none of these is found."""
    text = 'pipeline p\ninput { on: bool }\noutput { v: "x" | "y" }\nreturn { v: input.on ? "x" : %s }\n'
    assert not compile_source(text % '"y"', source_name="p.saltern", targets=()).diagnostics
    (found,) = compile_source(text % '"z"', source_name="p.saltern", targets=()).diagnostics
    assert found.code == "type-mismatch"
