"""Loops in the plan: stages of bodies, what owners wait for, relays, schedules; the same from both notations."""

import json
from pathlib import Path

import pytest

from saltern_compiler.cli.explain import _lines
from saltern_compiler.driver import Source, compile_loaded, compile_source
from saltern_compiler.driver.compile import check_loaded
from saltern_compiler.ir.canonical import digest
from saltern_compiler.ir.printer import dump

ROOT = Path(__file__).parents[3]
HEAD = """pipeline p
input { names: list<string>, rows?: any }
connection team = slack { token: env("SLACK_TOKEN") }
"""


def plan_of(text):
    result = compile_source(HEAD + text, source_name="p.saltern", targets=("python",))
    assert not result.has_errors, result.diagnostics
    return result.plan


def findings(document):
    result = compile_source(json.dumps({"schemaVersion": 1, "name": "p", **document}), source_name="p.json", targets=())
    return [(each.code, each.message) for each in result.diagnostics]


def test_stages_of_a_body_stand_behind_their_owner() -> None:
    """They are named after the stage that owns them; the yield takes the pure nodes that only it reads."""
    plan = plan_of("""
        told = foreach name in input.names, at most 3 {
          tell = slack.post_message(team) { channel: "#ops", text: name }
          short = set { value: size(tell.ts) }
          yield short + 1
        }
        return told
    """)
    assert [(stage.name, stage.nodes, stage.owner) for stage in plan.stages] == [
        ("told", ("told",), ""),
        ("told/tell", ("tell",), "told"),
        ("told/yield", ("short", "told/yield"), "told"),
        ("return", ("return",), ""),
    ]
    each = plan.stages[0].ends
    assert each is not None
    assert (each.variable, each.at_most, each.on_error, each.result) == ("name", 3, "stop", "told/yield")
    assert plan.stages[2].needs == ("told/tell",)


def test_what_a_body_reads_is_waited_for_by_its_owner() -> None:
    """Also what a body in the body reads; where that is pure, the owner's stage makes it and keeps it."""
    plan = plan_of("""
        first = slack.post_message(team) { channel: "#ops", text: "x" }
        prefix = set { value: first.ts }
        told = foreach name in input.names {
          inner = foreach part in [name, prefix] {
            tell = slack.post_message(team) { channel: prefix, text: part }
            yield tell.ts
          }
          yield inner
        }
        return told
    """)
    stages = {stage.name: stage for stage in plan.stages}
    assert (stages["told"].nodes, stages["told"].needs) == (("prefix", "told"), ("first",))
    assert "prefix" in stages["told"].kept
    assert stages["told/inner"].needs == ()
    assert "told/inner/tell" in stages
    assert stages["told/inner/yield"].owner == "told/inner"
    assert stages["told/yield"].nodes == ("told/yield",)
    planned = plan.node("tell")
    assert planned.reads == ("prefix",)
    assert [name for name, _ in planned.items] == ["part"]


def test_pure_nodes_for_the_items_alone_run_with_the_owner() -> None:
    """What only the list of items reads is a part of the owner's stage."""
    plan = plan_of("""
        many = set { value: input.names }
        told = foreach name in many { yield name }
        return told
    """)
    assert plan.stages[0].nodes == ("many", "told")


@pytest.mark.parametrize("count", [64, 65, 200])
def test_wide_bodies_get_relays_of_their_own(count) -> None:
    """A body with more beginnings than one script may make ready spreads them, under names of that body."""
    tells = "\n".join(f't{i} = slack.post_message(team) {{ channel: "#ops", text: name }}' for i in range(count))
    plan = plan_of(f"told = foreach name in input.names {{\n{tells}\nyield null\n}}\nreturn told")
    body = [stage for stage in plan.stages if stage.owner == "told"]
    starts = [stage for stage in body if not stage.needs and not stage.relay]
    assert len(starts) <= 64
    relays = [stage.name for stage in body if not stage.nodes]
    assert all(name.startswith("told/relay_") for name in relays)
    assert bool(relays) == (count >= 64)


def test_a_body_brings_what_it_needs() -> None:
    """Connections, hosts and extras of nodes inside count like those of others."""
    plan = plan_of("""
        told = foreach name in input.names {
          page = http.request { url: "https://pages.example/x" }
          tell = slack.post_message(team) { channel: "#ops", text: `{{ page.body }} {{ name }}` }
          yield tell.ts
        }
    """)
    assert plan.env == ("SLACK_TOKEN",)
    assert {"pages.example:443", "slack.com:443"} <= set(plan.egress)
    assert {"http", "slack"} <= set(plan.requires)


def test_disabled_nodes_leave_bodies_too() -> None:
    """What is disabled inside of a body is not planned, and reads of it give what a skipped node gives."""
    plan = plan_of("""
        told = foreach name in input.names {
          @disabled
          tell = slack.post_message(team) { channel: "#ops", text: name }
          told_at = merge { values: [tell.ts, name] }
          yield told_at
        }
        return told
    """)
    assert [stage.name for stage in plan.stages] == ["told", "told/yield", "return"]


def test_schedules_are_planned_with_their_defaults() -> None:
    """Ids come from time, zone and input, unless the trigger has one: they stay through other changes."""
    one = plan_of(
        'on schedule "0 7 * * *" { input: { names: ["a"] } }\ntell = slack.post_message(team) { channel: "#a", text: "b" }'
    )
    other = plan_of(
        'on schedule "0 7 * * *" { catch_up: all, time_zone: "UTC", input: { names: ["a"] } }\n'
        'tell = slack.post_message(team) { channel: "#b", text: "c" }'
    )
    named = plan_of(
        'on schedule "1 7 * * *" { id: "daily", input: { names: ["a"] } }\n'
        'tell = slack.post_message(team) { channel: "#b", text: "c" }'
    )
    (first,), (second,), (third,) = one.schedules, other.schedules, named.schedules
    assert first.id == second.id
    assert (first.catch_up, second.catch_up, first.time_zone) == ("last", "all", "UTC")
    assert third.id == "daily"


def test_explain_shows_bodies() -> None:
    """Each stage of a body is explained, and the owner's window and error rule with their sources."""
    text = "\n".join(_lines(plan_of("told = foreach name in input.names { yield name }\nreturn told")))
    assert "stage told/yield, for each item of told" in text
    assert "default of the node type foreach@1" in text


def test_both_notations_of_the_example_mean_the_same() -> None:
    """The digest of daily_digest is the same from the language and from the canvas, whatever its yield is called there."""
    folder = ROOT / "examples/daily_digest"
    results = [check_loaded(Source.load(str(folder / f"daily_digest.{kind}"))) for kind in ("saltern", "json")]
    assert [each.diagnostics for each in results] == [(), ()]
    one, other = (each.pipeline for each in results)
    assert dump(one) == dump(other)
    assert digest(one) == digest(other)


def test_a_canvas_draws_edges_into_regions() -> None:
    """Edges between what stands inside and around bind parameters; edges out of a region are findings."""
    nodes = [
        {"id": "first", "type": "set", "data": {"params": {"value": "x"}}},
        {"id": "loop", "type": "foreach", "data": {"params": {"as": "item", "items": [1, 2]}}},
        {"id": "group", "type": "group", "parentId": "loop"},
        {"id": "both", "type": "set", "parentId": "group", "data": {"params": {}}},
        {
            "id": "given",
            "type": "yield",
            "parentId": "loop",
            "data": {"params": {"value": {"$expr": "both + string(item)"}}},
        },
        {"id": "return", "type": "return", "data": {"params": {"value": {"$expr": "loop"}}}},
    ]
    inward = {"source": "first", "target": "both", "targetHandle": "value"}
    assert findings({"nodes": nodes, "edges": [inward]}) == []
    outward = {"source": "both", "target": "late", "targetHandle": "value"}
    late = {"id": "late", "type": "set", "data": {"params": {}}}
    assert ("unknown-name", "unknown name `both`") in findings({"nodes": [*nodes, late], "edges": [inward, outward]})


def test_a_canvas_hangs_nothing_on_branches_across_a_border() -> None:
    """A branch outside cannot be taken for an item; the finding stands at the handle."""
    nodes = [
        {"id": "route", "type": "if", "data": {"params": {"condition": True}}},
        {"id": "loop", "type": "foreach", "data": {"params": {"as": "item", "items": [1, 2]}}},
        {"id": "inner", "type": "set", "parentId": "loop", "data": {"params": {"value": {"$expr": "item"}}}},
        {"id": "given", "type": "yield", "parentId": "loop", "data": {"params": {"value": {"$expr": "inner"}}}},
        {"id": "return", "type": "return", "data": {"params": {"value": {"$expr": "loop"}}}},
    ]
    edge = {"source": "route", "target": "inner", "sourceHandle": "then"}
    codes = [code for code, _ in findings({"nodes": nodes, "edges": [edge]})]
    assert "edge-across-regions" in codes


def test_a_canvas_must_name_the_item() -> None:
    """A foreach without `as` is a finding, and so is one with an empty body."""
    nodes = [{"id": "loop", "type": "foreach", "data": {"params": {"items": [1]}}}]
    assert sorted(code for code, _ in findings({"nodes": nodes})) == ["missing-parameter", "region-without-yield"]


def test_a_canvas_writes_lengths_and_moments_as_text() -> None:
    """`30s` in a document is `30s` in the language, and an ISO duration means the same."""
    texts = [compile_source("pipeline p\na = wait { for: 1m30s }", source_name="p.saltern", targets=())]
    for length in ("1m30s", "90s", "PT1M30S"):
        document = {
            "schemaVersion": 1,
            "name": "p",
            "nodes": [{"id": "a", "type": "wait", "data": {"params": {"for": length}}}],
        }
        texts.append(compile_source(json.dumps(document), source_name="p.json", targets=()))
    assert {digest(each.pipeline) for each in texts} == {digest(texts[0].pipeline)}


def test_a_deep_nest_is_planned() -> None:
    """Twenty loops in each other are twenty levels of names."""
    text = "yield i19"
    for level in reversed(range(1, 20)):
        text = f"l{level} = foreach i{level} in [i{level - 1}] {{ {text} }}\nyield l{level}"
    plan = plan_of(f"l0 = foreach i0 in input.names {{ {text} }}\nreturn l0")
    assert plan.stages[19].name == "/".join(f"l{level}" for level in range(20))


def test_the_loops_case_compiles_for_every_target() -> None:
    """Each stage, those of bodies included, is in the graph, of which the tasks are made, and has a line in the source map."""
    result = compile_loaded(Source.load(str(ROOT / "tests/targets/cases/loops_case.saltern")))
    graph = result.artifacts["loops_case/graph.py"].decode()
    assert all(f'"{stage.name}"' in graph for stage in result.plan.stages)
    source_map = json.loads(result.artifacts["loops_case/source_map.json"])
    assert source_map["nodes"]["totals/yield"]["function"] == "loops_case.nodes.totals_yield"
    assert source_map["nodes"]["found"]["stage"] == "totals/sizes/found"
    assert source_map["nodes"]["found"]["place"]
