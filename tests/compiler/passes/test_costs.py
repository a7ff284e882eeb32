"""What a run costs at most: a construct a row, computed by hand."""

from __future__ import annotations

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.frontend.durations import seconds
from saltern_compiler.ir.plan import Plan

PRELUDE = """
connection bank = http { base_url: "https://bank.example" }
connection shop = http { base_url: "https://shop.example" }
connection model = openai { key: env("KEY") }
"""
CALLED = """pipeline score
input { rows: list<string>, n: int }
connection bank = http { base_url: "https://bank.example" }
each = foreach row in input.rows, at most 2 {
  @retry(1)
  @timeout(10s)
  told = http.request(bank) { url: `/{{ row }}` }
  yield told.status
}
nap = wait { for: 5s }
return { each: each }
"""


def get(name: str, bank: str = "bank", after: str = "") -> str:
    """Write a call that has one attempt of ten seconds."""
    head = f"{name} = http.request({bank})" + (f" after {after}" if after else "")
    return f'@retry(1)\n@timeout(10s)\n{head} {{ url: "/" }}\n'


# A pure stage has 3 attempts of 60 s with 1 s and 2 s between them: 183 s. A `return` of constants is one.
PURE = 183
ROWS: list[tuple[str, str, str, dict[str, str]]] = [
    ("a constant", "return 1", "183", {"stages": "1", "claims": "3"}),
    ("a row", get("a") + get("b", after="a") + "return 1", f"{PURE}", {"tries:bank": "2", "stages": "3"}),
    (
        "attempts with pauses: 5, 10, 15 and 15 s, which is the longest",
        '@retry(5, base: 5s, cap: 15s)\n@timeout(20s)\na = http.request(bank) { url: "/" }\nreturn a.status',
        f"{5 * 20 + 5 + 10 + 15 + 15 + PURE}",
        {"calls:bank": "1", "tries:bank": "5", "claims": "8"},
    ),
    ("a wait", "a = wait { for: 90s }\nb = set after a { value: 1 }\nreturn b", f"{PURE + 90 + PURE}", {"claims": "7"}),
    (
        "a wait that is not written out",
        "a = wait { for: duration(input.text) }\nb = set after a { value: 1 }\nreturn b",
        f"{2 * PURE} + wait(a)",
        {},
    ),
    (
        "an approval is asked for once, and waits to its deadline",
        'a = approval { ask: "?", deadline: 2h, default: "no" }\nreturn a.decision',
        f"{PURE + 7200 + PURE}",
        {"stages": "2"},
    ),
    ("an approval without a deadline", 'a = approval { ask: "?" }\nreturn a.decision', f"{2 * PURE} + wait(a)", {}),
    (
        "of branches the longest, and the dearest",
        "x = if size(input.text) > 3 {\n"
        + get("a")
        + get("b", after="a")
        + "} else {\n"
        + get("c", "shop")
        + "}\nreturn 1",
        f"{PURE + 20}",
        {"tries:bank": "2", "tries:shop": "1", "stages": "4"},
    ),
    (
        "branches that share a stage: what hangs on them counts, and both of two that may be taken together",
        "x = if size(input.text) > 3 {\ny = if size(input.text) > 5 {\n"
        + get("a")
        + "} else {\n"
        + get("c", "shop")
        + "}\n}\nz = if size(input.text) > 4 {\n"
        + get("b")
        + "}\nreturn 1",
        None,
        {"tries:bank": "2", "tries:shop": "1", "stages": "4"},
    ),
    (
        "a loop over what is written out: 5 items, 2 at a time, are 3 times as long as one",
        "x = foreach i in [1, 2, 3, 4, 5], at most 2 {\n" + get("a") + "yield a.status }\nreturn x",
        f"{PURE + 3 * (10 + PURE) + PURE}",
        {"tries:bank": "5", "rounds": "5", "stages": "12", "claims": f"{3 + 1 + 5 * 4 + 3}"},
    ),
    (
        "a loop over an input",
        "x = foreach i in input.rows {\n" + get("a") + "yield a.status }\nreturn x",
        f"{2 * PURE} + {10 + PURE}·⌈size(input.rows)/8⌉",
        {"tries:bank": "size(input.rows)", "stages": "2 + 2·size(input.rows)"},
    ),
    (
        "loops in each other",
        "x = foreach i in input.rows, at most 1 { y = foreach j in input.rows.filter(r, r != i), at most 1 {\n"
        + get("a")
        + "yield a.status }\nyield y }\nreturn x",
        f"{2 * PURE} + {2 * PURE}·size(input.rows) + {10 + PURE}·size(input.rows)·size(input.rows)",
        {"tries:bank": "size(input.rows)·size(input.rows)"},
    ),
    (
        "what is made of lists: 2 and no more than 10",
        "y = set { value: ['a', 'b'] + input.rows.map(r, r + '!').slice(5, 15) }\n"
        "x = foreach i in y {\n" + get("a") + "yield a.status }\nreturn x",
        None,
        {"tries:bank": "2 + min(10, size(input.rows))"},
    ),
    (
        "a loop with a limit",
        "x = while s = 0, s < 100, at most 7 {\n" + get("a") + "next s + a.status }\nreturn x",
        f"{PURE + 7 * (10 + PURE) + PURE}",
        {"tries:bank": "7", "rounds": "7"},
    ),
    (
        "a loop with a time: no round begins after it",
        "x = while s = 0, s < 100, at most 7, within 60s {\n" + get("a") + "next s + a.status }\nreturn x",
        f"{PURE + 60 + 10 + PURE + PURE}",
        {"tries:bank": "7"},
    ),
    (
        "what is tried, then what catches",
        "x = try {\n" + get("a") + "yield a.status } catch e {\n" + get("b", "shop") + "yield b.status }\nreturn x",
        f"{PURE + 10 + PURE + PURE + 10 + PURE + PURE}",
        {"tries:bank": "1", "tries:shop": "1"},
    ),
    (
        "arms go at the same time",
        "x = parallel { a => {\n"
        + get("p")
        + "yield p.status } b => { w = wait { for: 1h }\nv = set after w { value: 1 }\nyield v } }\nreturn x",
        f"{PURE + (PURE + 3600 + PURE) + PURE}",
        {"tries:bank": "1"},
    ),
    (
        "of a race the first to end",
        "x = parallel, join first { a => {\n"
        + get("p")
        + "yield p.status } b => { w = wait { for: 1h }\nv = set after w { value: 1 }\nyield v } }\nreturn x",
        f"{PURE + 10 + PURE + PURE + PURE}",
        {"tries:bank": "1"},
    ),
    (
        "of those that have to succeed, the last",
        "x = parallel, join any { a => {\n"
        + get("p")
        + "yield p.status } b => { w = wait { for: 1h }\nv = set after w { value: 1 }\nyield v } }\nreturn x",
        f"{PURE + (PURE + 3600 + PURE) + PURE + PURE}",
        {},
    ),
    (
        "a pipeline that is called, with what it is given",
        "x = call score { rows: input.rows + ['a'], n: 1 }\nreturn x.each",
        None,
        {"tries:bank": "1 + size(input.rows)", "rounds": "1 + size(input.rows)"},
    ),
    (
        "a run that is started costs nothing here",
        "x = start score { rows: input.rows, n: 1 }\nreturn x",
        f"{2 * PURE}",
        {"runs": "1"},
    ),
    (
        "what takes something back costs calls, and its own time",
        get("a").rstrip() + " compensate {\n" + get("b", "shop") + "}\nreturn a.status",
        f"{10 + PURE}",
        {"tries:bank": "1", "tries:shop": "1"},
    ),
    (
        "a failure that takes a branch, and is given to it by a stage of its own",
        get("a").rstrip() + " on error e {\n" + get("b", "shop") + "}\nreturn 1",
        f"{10 + PURE}",
        {"tries:bank": "1", "tries:shop": "1"},
    ),
    (
        "a model that is asked again, twice in each attempt",
        '@retry(2, base: 1s)\n@timeout(10s)\na = llm.chat(model) { prompt: "12345678", max_tokens: 100, response: type { n: int } }\nreturn a.n',
        f"{2 * 10 + 1 + PURE}",
        {"model_calls": "3", "model_tries": "6", "tokens_out": "600", "tries:model": "6"},
    ),
    (
        "a model that answers as it likes",
        "@retry(1)\na = llm.chat(model) { prompt: `12345678{{ input.text }}` }\nreturn a.text",
        f"{60 + PURE}",
        {"tokens_in": "8 + ⌈(8 + size(input.text))/4⌉", "tokens_out": "tokens(a)"},
    ),
    (
        "own code calls nobody that is known",
        "a = http.request { url: `https://{{ input.text }}/` }\nreturn a.status",
        None,
        {"calls:*": "1"},
    ),
    (
        "values that are kept: an input of 1 MiB, and two of at most 20 bytes; a branch that leads nowhere is not run",
        "a = set { value: 1 + size(input.text) }\nb = if a > 3 { }\nreturn a",
        None,
        {"bytes": f"{1_048_576 + 20 + 20:,}"},
    ),
]


def plan_of(body: str, sections: str = "") -> Plan:
    text = f'pipeline example\nuse score = "./score.saltern"\n{sections}\ninput {{ rows: list<string>, text: string }}\n{PRELUDE}{body}\n'
    result = compile_source(text, source_name="example.saltern", files={"score.saltern": CALLED}, targets=())
    assert result.plan is not None, [(each.code, each.message, each.notes) for each in result.diagnostics]
    return result.plan


@pytest.mark.parametrize(("body", "worst", "amounts"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_construct_costs_what_its_parts_say(body: str, worst: str | None, amounts: dict[str, str]) -> None:
    """Time in seconds, and measures, by hand."""
    cost = plan_of(body).cost
    if worst is not None:
        assert str(cost.worst).replace(",", "") == worst
    assert {name: str(cost.of(name)) for name in amounts} == amounts


def test_best_is_what_is_surely_waited_for() -> None:
    """Waits that run for sure add up, in loops over what is written out and in pipelines that are called too; branches count nothing."""
    body = (
        "a = wait { for: 10s }\n"
        "x = foreach i in [1, 2, 3] , at most 2 { w = wait { for: 60s }\nv = set after w { value: i }\nyield v }\n"
        "b = wait after a, x { for: 5s }\n"
        "y = call score { rows: input.rows, n: size(x) }\n"
        "z = if size(y.each) > 3 { c = wait { for: 1d } }\n"
        "return [size(x), size(y.each)]"
    )
    cost = plan_of(body).cost
    assert cost.best == 2 * 60 + 5


def test_the_critical_path_goes_through_the_longest_stages() -> None:
    """Names of stages, in their order; of a body, those of one round."""
    body = get("short") + get("long", "shop").replace("10s", "50s") + "x = foreach i in [short.status, long.status] {\n"
    cost = plan_of(body + get("a") + "w = wait after a { for: 1h }\nyield i }\nreturn x").cost
    assert cost.path == ("long", "x", "return")
    assert list(cost.ways())[1] == ("a", "w")


def test_symbols_of_a_called_pipeline_are_those_of_what_it_is_given() -> None:
    """Nothing of the callee's own names is left but what it alone knows."""
    cost = plan_of("x = call score { rows: input.rows.slice(0, 3), n: 1 }\nreturn x.each").cost
    assert [str(symbol) for symbol in cost.symbols()] == ["size(input.rows)"]
    assert str(cost.of("tries:bank")) == "min(3, size(input.rows))"


def test_connections_that_stand_in_are_the_ones_that_are_called() -> None:
    """`with { bank: shop }`: the calls are the shop's."""
    cost = plan_of("x = call score { rows: ['a'], n: 1 } with { bank: shop }\nreturn x.each").cost
    assert cost.targets() == ("shop",)


def test_a_stage_that_more_than_64_wait_for_has_relays() -> None:
    """Their stages and their time count."""
    wide = "".join(f"n{number} = wait after a {{ for: 1s }}\n" for number in range(100))
    plan = plan_of("a = set { value: 1 }\n" + wide + "return 1")
    assert plan.cost.of("stages").known >= len(plan.stages)
    assert str(plan.cost.worst).replace(",", "") == str(2 * PURE + PURE + 1)


def test_many_branches_and_sizes_stay_quick_and_short() -> None:
    """Twenty layers of ways that hang on different sizes are no formula of a million parts."""
    lines = ["a0 = foreach i in input.rows { yield i }", "b0 = foreach i in input.text.split(',') { yield i }"]
    for layer in range(1, 20):
        given = f"a{layer - 1} + b{layer - 1}"
        lines += [f"a{layer} = foreach i in ({given}).slice(0, {layer}) {{ yield i }}"]
        lines += [f"b{layer} = foreach i in ({given}).slice(1, {layer + 9}) {{ yield i }}"]
    cost = plan_of("\n".join([*lines, "return [size(a19), size(b19)]"])).cost
    assert len(str(cost.worst)) < 10_000


@pytest.mark.parametrize(
    ("sections", "body", "deadline", "because"),
    [
        ("", "return 1", "1h", "Saltern's default, in which the worst case of 3m3s and 30m for queues fit"),
        ("", "a = wait { for: 2h }\nreturn 1", "2h34m", "the worst case of 2h3m3s, and 30m for queues"),
        ("settings { deadline: 5m }", "a = wait { for: 1m }\nreturn 1", "5m", "set by the pipeline"),
        (
            "",
            "x = foreach i in input.rows { a = wait { for: 20m }\nyield i }\nreturn 1",
            "1h",
            "Saltern's default, in which the worst case of 3m3s (without what hangs on size(input.rows)) and 30m for queues fit",
        ),
        (
            'budget { assume: { "size(input.rows)": 16 } }',
            "x = foreach i in input.rows { a = wait { for: 20m }\nyield i }\nreturn 1",
            "1h20m",
            "the worst case of 49m9s, and 30m for queues",
        ),
    ],
)
def test_a_deadline_is_as_long_as_the_worst_case_needs(sections: str, body: str, deadline: str, because: str) -> None:
    """An hour, where it and half an hour for queues fit into that."""
    plan = plan_of(body, sections)
    decision = next(each for each in plan.decisions if each.what == "deadline")
    assert (plan.deadline, decision.because) == (_seconds(deadline), because)


def _seconds(text: str) -> float:
    length = seconds(text)
    assert length is not None
    return length


def test_a_wait_beyond_all_deadlines_is_told() -> None:
    """30 days are the longest that a run may last."""
    text = f"pipeline example\n{PRELUDE}a = wait {{ for: 31d }}\nreturn 1\n"
    result = compile_source(text, source_name="example.saltern", targets=())
    assert "outlasts-run" in {each.code for each in result.diagnostics}


def test_workers_of_a_queue_get_what_its_longest_attempt_needs() -> None:
    """At least half a minute, at most five; what takes longer is said to be handed back."""
    body = '@timeout(20m)\na = http.request(bank) { url: "/" }\n@timeout(1s)\nb = llm.chat(model) { prompt: "x" }\nreturn 1'
    plan = plan_of(body)
    assert dict(plan.grace) == {"default": 70, "io": 300, "model": 30}
    (why,) = [each.because for each in plan.decisions if each.what == "grace of io"]
    assert why.startswith("no worker is waited for longer: what is not done by then is handed back")
