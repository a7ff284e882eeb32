"""Bounds hold: what a run does is never more than what was said before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_compiler.driver import compile_source, write_tree
from saltern_compiler.ir.costs import CLAIMS, ROUNDS, RUNS, STAGES, TRIES, Cost
from saltern_compiler.ir.plan import LEVELS
from saltern_compiler.passes import make_plan
from saltern_runtime.engine.engine import Engine
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.store.keys import new_nonce
from tests.equivalence.drawing import Drawn, drawn
from tests.equivalence.running import REGISTRY, Checked, check, logged, written
from tests.support.built import importable
from tests.support.effort import tries
from tests.support.once import finish_all, run_once


class Bank(ThreadingHTTPServer):
    """Answers each third request with an error that is tried again, and counts requests by run."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.calls: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Bank

    def do_GET(self) -> None:
        run = self.path.removeprefix("/")
        self.server.calls[run] += 1
        self.send_response(503 if self.server.calls.total() % 3 == 0 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    """A bank on the loopback."""
    with Bank() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


CALLING = {
    "a branch in a branch, in a loop": """
        rows = foreach n in [1, 2, 3], at most 2 {
          odd = if n % 2 == 1 { large = if n > 1 { CALL(a) } else { CALL(b) } }
          CALL(c)
          yield c.status
        }
        return { n: rows.size() }""",
    "an attempt, and what catches it": """
        tried = try { CALL(a)  no = set { value: 1 / (a.status - 200) }  yield no } catch err { CALL(b)  yield b.status }
        return { n: tried }""",
    "a race, and rounds with a state": """
        race = parallel, join first { left => { CALL(a)  yield a.status } right => { CALL(b)  yield b.status } }
        state = while n = 0, n < 3, at most 5 { CALL(c)  next n + c.status - 199 }
        return { n: state }""",
}
"""Name → nodes; `CALL(a)` is a node `a` that calls the bank."""


class Counted:
    """What workers settled, by run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: dict[str, list[str]] = {}
        settle = Engine._settle

        def counting(engine, claim, end):
            self.paths.setdefault(claim.run, []).append(claim.path)
            return settle(engine, claim, end)

        monkeypatch.setattr(Engine, "_settle", counting)

    def of(self, run: str) -> dict[str, int]:
        paths = self.paths.get(run, [])
        return {CLAIMS: len(paths), STAGES: len({*paths})}


def bound(cost: Cost, measure: str) -> Fraction:
    known = cost.of(measure).known
    assert known is not None, (measure, str(cost.of(measure)))
    return known


def plan_cost(checked: Checked, level: int) -> Cost:
    return make_plan(checked.analyzed, REGISTRY, callees=checked.callees, source_name="main.saltern", level=level).cost


def at_most(many: int, cost: Cost, measure: str) -> bool:
    """Whether so many are within a bound; one that hangs on the sizes of the input says nothing here."""
    known = cost.of(measure).known
    return known is None or many <= known


@settings(
    max_examples=tries(10, 50),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(one=drawn((4, 3, 2)).filter(lambda one: not one.answers), level=st.sampled_from(LEVELS))
def test_no_run_does_more_than_its_bounds(one: Drawn, level: int, redis_url: str) -> None:
    """Stages, claims, rounds, started runs and time of random nests, counted while they run for real."""
    checked = check(one, level)
    cost, tenant = plan_cost(checked, level), new_nonce()
    with pytest.MonkeyPatch.context() as patch, logged() as folder:
        counted = Counted(patch)
        written(checked.artifacts(level), folder / "tree")
        with (
            importable(folder / "tree", checked.analyzed.pipeline.name) as load,
            in_one_process(load("graph").GRAPH, redis_url=redis_url) as worker,
        ):
            worker.service.start(one.given, tenant=tenant, trigger="api")
            runs = finish_all(worker, tenant)
    (whole,) = [run for run in runs if run.parent is None]
    for measure, many in counted.of(whole.id).items():
        assert at_most(many, cost, measure), (measure, many, one)
    assert at_most(sum(run.parent == whole.id for run in runs), cost, RUNS), one
    assert cost.worst.known is None or whole.ended_at - whole.created_at <= cost.worst.known, one
    loops = set(re.findall(r"(\w+) = (?:foreach|while) ", "\n".join([one.text, *one.files.values()])))
    assert at_most(len(rounds(counted.paths.get(whole.id, []), loops)), cost, ROUNDS), one


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CALLING)
def test_nobody_is_called_more_often_than_said(
    name: str, level: int, bank: Bank, redis_url: str, tmp_path: Path
) -> None:
    """Each third request fails and is sent again: all of them are counted, branches that share a stage among them."""
    call = r"@retry(4, base: 1ms, cap: 2ms)\n\1 = http.request(bank) { url: `/{{ run.id }}` }\n"
    nodes = re.sub(r"CALL\((\w)\)", call, CALLING[name]).replace(" @retry", "\n@retry")
    text = f'pipeline calling\nconnection bank = http {{ base_url: "{bank.url}" }}\n{nodes}\n'
    result = compile_source(text, source_name="calling.saltern", optimize=level)
    assert result.plan is not None, (text, result.diagnostics)
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "calling") as load:
        run = run_once(load("graph").GRAPH, {}, redis_url=redis_url)
    assert run.state == "SUCCEEDED", run
    assert 0 < bank.calls[run.id] <= bound(result.plan.cost, f"{TRIES}bank")


def rounds(paths: list[str], loops: set[str]) -> set[str]:
    """Return the rounds of loops that something was claimed in: `n1[0]/n2#3`."""
    found = set()
    for path in paths:
        for step in re.finditer(r"(\w+)[\[#]\d+\]?", path):
            if step[1] in loops:
                found.add(path[: step.end()])
    return found
