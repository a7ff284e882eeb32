"""The plan: what runs together, what waits for what, and every number with its reason."""

from __future__ import annotations

from collections import Counter

import pytest

from saltern_compiler.frontend import read
from saltern_compiler.passes import analyze, make_plan
from saltern_compiler.registry import Registry
from saltern_runtime.spec import NULL, STRING, ConnectorSpec, optional, show
from saltern_runtime.spec.limits import AT_ONCE

SLACK = 'connection team = slack { token: env("SLACK_TOKEN") }\n'


def plan_of(text: str, name: str = "example.saltern", **how):
    head = "" if name.endswith(".yaml") or "pipeline " in text else "pipeline example\n"
    pipeline, found = read(head + text, name)
    assert not found
    analysis = analyze(pipeline, Registry.load(), how.get("files"))
    assert not analysis.has_errors, analysis.diagnostics
    how.pop("files", None)
    return make_plan(analysis, Registry.load(), source_name=name, **how)


def tell(name: str, text: str = '"ready"', extra: str = "") -> str:
    return f'{name} = slack.post_message(team){extra} {{ channel: "#ops", text: {text} }}\n'


def stages(plan) -> dict[str, tuple[str, ...]]:
    return {stage.name: stage.nodes for stage in plan.stages}


def test_pure_nodes_join_their_only_consumer():
    """A chain of pure nodes runs right before the effect that reads it."""
    plan = plan_of(
        SLACK
        + "a = template { text: `{{ run.id }}` }\nb = template { text: `{{ a }}` }\n"
        + tell("send", "`{{ a }} {{ b }}`")
    )
    assert stages(plan) == {"send": ("a", "b", "send")}
    assert plan.stages[0].needs == ()


def test_pure_node_of_two_stages_stays_alone():
    """What two stages read is a stage of its own, so that it is recorded once."""
    plan = plan_of(SLACK + "a = template { text: `{{ run.id }}` }\n" + tell("one", "a") + tell("two", "a"))
    assert stages(plan) == {"a": ("a",), "one": ("one",), "two": ("two",)}
    assert plan.stages[1].needs == ("a",)


def test_effects_never_share_a_stage():
    """One stage has one effect at most, since it is retried as a whole."""
    plan = plan_of(SLACK + tell("one") + tell("two", "one.ts") + "return two.ts")
    assert stages(plan) == {"one": ("one",), "two": ("two",), "return": ("return",)}


def test_branch_keeps_its_stage():
    """A branch is settled before what hangs on it, and pure nodes join an effect only where they hang on the same."""
    plan = plan_of(
        "input { urgent: bool }\n"
        + SLACK
        + "a = template { text: `{{ run.id }}` }\n"
        + "hurry = if input.urgent {\n  b = template { text: `{{ run.id }}` }\n  "
        + tell("send", "`{{ a }}{{ b }}`")
        + "}"
    )
    assert stages(plan) == {"hurry": ("a", "hurry"), "send": ("b", "send")}
    (send,) = [stage for stage in plan.stages if stage.name == "send"]
    assert [(edge.source, edge.handle) for edge in send.when] == [("hurry", "then")]
    assert send.needs == ("hurry",)


@pytest.mark.parametrize("policy", ["@on_error(continue)", "@timeout(1s)"])
def test_policy_of_its_own_keeps_a_node_alone(policy):
    """A stage has one policy, that of its last node: a pure node that says otherwise stays alone."""
    read = "a.?x" if "continue" in policy else "a.x"
    plan = plan_of(SLACK + f"{policy}\na = set {{ value: {{ x: run.id }} }}\n" + tell("send", f"`{{{{ {read} }}}}`"))
    assert stages(plan) == {"a": ("a",), "send": ("send",)}


def test_no_way_leads_out_of_a_stage_and_back():
    """A pure node that something else waits for does not join the stage behind it, but that of the one that waits."""
    plan = plan_of(
        SLACK
        + "a = template { text: `{{ run.id }}` }\n"
        + tell("between", extra=" after a")
        + tell("send", "`{{ a }}{{ between.ts }}`")
    )
    assert stages(plan) == {"between": ("a", "between"), "send": ("send",)}
    assert plan.stages[1].needs == ("between",)


def test_after_a_branch_waits_for_its_ends():
    """`after` a switch means after all that hangs on it; the last of it suffice."""
    plan = plan_of(
        "input { urgent: bool }\n"
        + SLACK
        + "hurry = if input.urgent {\n"
        + tell("one")
        + tell("two", "one.ts")
        + "}\n"
        + tell("last", extra=" after hurry")
    )
    (last,) = [stage for stage in plan.stages if stage.name == "last"]
    assert last.needs == last.after == ("hurry", "two")


def test_stage_has_a_bounded_number_of_nodes():
    """A chain of a thousand pure nodes is cut, since one script records a stage's outcomes."""
    chain = "".join(f"n{i} = set {{ value: n{i - 1} }}\n" for i in range(1, 1000))
    plan = plan_of("n0 = set { value: run.id }\n" + chain + "return n999")
    assert max(len(stage.nodes) for stage in plan.stages) == 64
    assert [node for stage in plan.stages for node in stage.nodes] == [*(f"n{i}" for i in range(1000)), "return"]


def test_needs_come_before():
    """Stages stand in the order of data flow, relays included."""
    text = "input { x: string }\n" + SLACK + tell("root") + "".join(tell(f"n{i}", "root.ts") for i in range(300))
    plan = plan_of(text)
    place = {stage.name: number for number, stage in enumerate(plan.stages)}
    for stage in plan.stages:
        assert all(place[each] < place[stage.name] for each in (*stage.needs, *stage.relay))


@pytest.mark.parametrize("source", ["root", ""])
def test_fan_out_of_a_hundred_and_a_join(source):
    """A fan-out of a hundred compiles: some hear through a relay, and the join needs them all."""
    first = tell("root") if source else ""
    text = SLACK + first + "".join(tell(f"n{i}", "root.ts" if source else '"go"') for i in range(100))
    plan = plan_of(text + "return [" + ", ".join(f"n{i}.ts" for i in range(100)) + "]")
    relays = {stage.name: stage for stage in plan.stages if not stage.nodes}
    assert set(relays) == {"relay_1"}
    told = Counter()
    for stage in plan.stages:
        covered = {need for relay in stage.relay for need in relays[relay].needs}
        heard = (set(stage.needs) - covered) | set(stage.relay)
        told.update(heard or {""})
    assert max(told.values()) <= AT_ONCE
    (last,) = [stage for stage in plan.stages if stage.name == "return"]
    assert len(last.needs) == 100


def test_reasons():
    """Every number says where it came from: node, connection, connector, node type, pipeline, default."""
    plan = plan_of("@priority(7)\npipeline example\n@on_ambiguous(fail)\n" + SLACK + "@timeout(3s)\n" + tell("send"))
    (stage,) = plan.stages
    because = {each.what: each.because for each in stage.decisions}
    assert because["timeout"] == "@timeout on the node"
    assert because["on_ambiguous"] == "@on_ambiguous on the connection team"
    assert because["priority"] == "@priority on the pipeline"
    assert because["on_error"] == "Saltern's default"
    assert because["retry"].startswith("default of the ")
    assert because["queue"] == "the node type slack.post_message@1 runs there"
    assert (stage.timeout, stage.priority, stage.on_ambiguous) == (3.0, 7, "fail")


def test_limits_of_a_connection_stand_with_its_stages():
    """Each stage that calls through it says so, in words."""
    plan = plan_of(
        'connection a = http { base_url: "https://a.example", limits: { per_second: 0.5, concurrency: 3, by: tenant } }\n'
        'connection b = http { base_url: "https://b.example", limits: { concurrency: 1 } }\n'
        'one = http.request(a) { url: "/" }\ntwo = http.request(b) { url: "/" }\nfree = http.request { url: "https://c.example" }\n'
        "return { one: one.status, two: two.status, free: free.status }\n"
    )
    said = {
        stage.name: [(each.value, each.because) for each in stage.decisions if each.what == "limits"]
        for stage in plan.stages
    }
    assert said == {
        "one": [("0.5 a second, 3 at a time, for each tenant", "on the connection a")],
        "two": [("1 at a time", "on the connection b")],
        "free": [],
        "return": [],
    }


def test_limits_of_what_nothing_calls_through():
    """A connector that a plugin brings without a node type has nothing to limit."""
    registry = Registry(connectors=[ConnectorSpec("silent", "Makes no calls.")])
    pipeline, found = read("pipeline p\nconnection a = silent { limits: { concurrency: 1 } }\nreturn 1", "p.saltern")
    assert not found
    found = [each for each in analyze(pipeline, registry).diagnostics if each.code == "invalid-limit"]
    assert [each.message for each in found] == [
        "nothing calls through a connection of `silent`, so there is nothing to limit"
    ]


def test_a_cache_that_a_connection_or_the_pipeline_says():
    """It holds for what asks: what acts, and what is computed here, is not cached, and says why."""
    plan = plan_of(
        '@cache(1h)\npipeline example\n@cache(2h)\nconnection site = http { base_url: "https://a.example" }\n'
        'got = http.request(site) { url: "/a" }\n'
        'put = http.request(site) { method: "POST", url: "/a" }\n'
        'free = http.request { url: "https://b.example" }\n'
        "@cache(3h)\nown = set { value: 1 }\n"
        "return { got: got.status, put: put.status, free: free.status, own: own }\n"
    )
    kept = {each.node.id: each.policy.cache for each in plan.nodes}
    assert kept == {"got": 7200.0, "put": None, "free": 3600.0, "own": 10800.0, "return": None}
    because = {stage.name: {each.what: each.because for each in stage.decisions}["cache"] for stage in plan.stages}
    assert because == {
        "got": "@cache on the connection site",
        "put": "@cache on the connection site, which holds for nodes alone that read or are idempotent",
        "free": "@cache on the pipeline",
        "own": "@cache on the node",
        "return": "@cache on the pipeline, which holds for nodes alone that read or are idempotent",
    }


def test_surroundings():
    """The plan knows the hosts and extras that nodes need (any host where a URL is made at run time), and the variables of all connections and triggers."""
    plan = plan_of(
        'connection crm = postgres { dsn: env("CRM_DSN") }\n'
        + SLACK
        + 'on webhook "/t" { signature: "standard", secret: env("HOOK") }\n'
        + tell("send")
        + 'a = http.request { url: "https://api.example.com/v1" }\n'
        + "b = http.request { url: `http://host.example:8080/{{ run.id }}` }\n"
        + "c = http.request { url: `https://{{ run.id }}.example/` }\n"
    )
    assert set(plan.egress) == {"*:443", "*:80", "api.example.com:443", "host.example:8080", "slack.com:443"}
    assert plan.env == ("CRM_DSN", "HOOK", "SLACK_TOKEN")
    assert plan.requires == ("http", "slack")


def test_digest_covers_what_changes_behaviour():
    """The plan's digest changes with the pipeline, its own code and the options, not with its source's name."""
    text = SLACK + tell("send")
    plan = plan_of(text)
    assert plan.digest == plan_of(text, name="other.saltern").digest
    others = [
        plan_of(text + "return run.id"),
        plan_of(text, files={"rules.py": "x = 1\n"}),
        plan_of(text, options={"a": 1}),
    ]
    assert len({plan.digest, *(each.digest for each in others)}) == 4
    assert others[1].pipeline_digest == plan.pipeline_digest


def test_output_types():
    """The output is what is declared, else what is returned, null where it may be skipped or is not there."""
    assert plan_of("output { id: string }\nreturn { id: run.id }").output_type.field("id").type == STRING
    assert plan_of("return run.id").output_type == STRING
    assert plan_of("input { a: bool }\nb = if input.a {\n  return run.id\n}").output_type == optional(STRING)
    assert plan_of(SLACK + tell("send")).output_type == NULL


def test_disabled_nodes_are_not_planned():
    """What a disabled node would have given is as if it had been skipped, and no code names it."""
    text = """
schemaVersion: 1
name: example
nodes:
  - {id: a, type: set, data: {disabled: true, params: {value: {x: {$expr: run.id}}}}}
  - {id: b, type: set, data: {params: {value: {x: {$expr: run.id}}}}}
  - {id: m, type: merge, data: {params: {values: [{$expr: a.x}, {$expr: b.x}]}}}
  - {id: t, type: template, data: {params: {text: {$template: "{{ merge(a.x, b.x) }}{{ a.?x }}{{ has(a.x) ? a.x : b.x }}"}}}}
  - {id: return, type: return, data: {params: {value: [{$expr: m}, {$expr: t}]}}}
"""
    plan = plan_of(text, "example.yaml")
    assert [planned.node.id for planned in plan.nodes] == ["b", "m", "t", "return"]
    assert all("a" not in planned.reads for planned in plan.nodes)
    assert plan.pipeline.body.node("a") is not None


def test_types_of_results():
    """Each planned node knows its type, what it reads, and which of that may have been skipped."""
    plan = plan_of(
        "input { urgent: bool }\n"
        + SLACK
        + "hurry = if input.urgent {\n"
        + tell("send")
        + "}\nreturn { ts: merge(send.ts) }"
    )
    last = plan.nodes[-1]
    assert last.node.id == "return"
    assert show(last.result) == "{ ts: string? }"
    assert last.reads == last.may_be_skipped == ("send",)
    assert plan.node("send").policy.on_error == "fail"


def test_cheap_work_of_two_stages_is_done_twice():
    """At -O2, what cannot fail and costs nothing is computed in each stage that reads it; it belongs to the first of them."""
    text = SLACK + "a = template { text: `{{ run.id }}` }\n" + tell("one", "a") + tell("two", "a")
    plan = plan_of(text, level=2)
    assert stages(plan) == {"one": ("a", "one"), "two": ("two",)}
    assert [stage.again for stage in plan.stages] == [(), ("a",)]
    assert [stage.needs for stage in plan.stages] == [(), ()]


@pytest.mark.parametrize(
    "pure",
    [
        "a = set { value: input.n + 1 }",
        "a = set { value: input.ns.map(n, n) }",
        "x = http.request { url: 'https://a.example' }\nb = set { value: x.status }\nis = if b == 200 { a = set { value: b } }",
        "@timeout(3s)\na = set { value: input.n }",
    ],
)
def test_what_may_fail_loops_or_hangs_is_done_once(pure):
    """At -O2 too, a node that is more than cheap is recorded before what reads it."""
    pure = pure.replace("'", '"')
    text = (
        "input { n: int, ns: list<int> }\n" + SLACK + pure + "\n" + tell("one", "`{{ a }}`") + tell("two", "`{{ a }}`")
    )
    if "is =" in pure:
        text = text.replace("`{{ a }}`", "`{{ merge(a, 0) }}`")
    plan = plan_of(text, level=2)
    assert all(not stage.again for stage in plan.stages)
