"""Bounds hold: what a run does is never more than what was said before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from saltern_compiler.driver import compile_source, write_tree
from saltern_compiler.ir.costs import CLAIMS, ROUNDS, RUNS, STAGES, TRIES, Cost
from saltern_runtime.engine.engine import Engine
from tests.support.built import importable
from tests.support.effort import tries
from tests.targets.test_nested import DEPTH, Program, all_of, trees


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


@dataclass
class Calling(Program):
    """A program whose leaves call the bank."""

    bank: str = ""

    def write_leaf(self, known: str, number: int) -> tuple[list[str], str]:
        name, after = self.name(), self.name()
        called = f"@retry(4, base: 1ms, cap: 2ms)\n{name} = http.request(bank) {{ url: `/{{{{ run.id }}}}` }}"
        value = f"{name}.status * 0 + {number}{f' + {known}' if known else ''}"
        return [called, f"{after} = set {{ value: {value} }}"], after

    def beside(self, inner: tuple) -> str:
        name = self.name()
        other = Calling(self.names, self.files, started=self.started, bank=self.bank)
        self.files[f"{name}.saltern"] = other.text(name, inner, "{ zero: int, known: int }", "input.known")
        self.uses.append(f'use {name} = "./{name}.saltern"')
        return name

    def text(self, name: str, tree: tuple, given: str, known: str = "") -> str:
        head, _, rest = super().text(name, tree, given, known).partition("\n")
        return f'{head}\nconnection bank = http {{ base_url: "{self.bank}" }}\n{rest}'


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


@settings(
    max_examples=tries(10, 50),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(tree=trees(DEPTH))
def test_no_run_does_more_than_its_bounds(
    tree: tuple, bank: Bank, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Calls, stages, claims, rounds, started runs and time of random nests, counted while they run for real."""
    program = Calling(bank=bank.url)
    text = program.text("nested", tree, "{ zero: int }")
    result = compile_source(text, source_name="nested.saltern", files=program.files)
    assert result.plan is not None, (text, program.files, result.diagnostics)
    cost = result.plan.cost
    folder = tmp_path_factory.mktemp("bounds") / "tree"
    write_tree(result.artifacts, folder)
    with pytest.MonkeyPatch.context() as patch, importable(folder, "nested") as load:
        counted = Counted(patch)
        runs = all_of(load("graph").GRAPH, redis_url)
    (whole,) = [run for run in runs if run.parent is None]
    for measure, many in counted.of(whole.id).items():
        assert many <= bound(cost, measure), (measure, text, program.files)
    assert bank.calls[whole.id] <= bound(cost, f"{TRIES}bank"), (text, program.files)
    assert sum(run.parent == whole.id for run in runs) <= bound(cost, RUNS), text
    assert whole.ended_at - whole.created_at <= cost.worst.known, text
    loops = set(re.findall(r"(\w+) = (?:foreach|while) ", "\n".join([text, *program.files.values()])))
    assert len(rounds(counted.paths.get(whole.id, []), loops)) <= bound(cost, ROUNDS), text


def rounds(paths: list[str], loops: set[str]) -> set[str]:
    """Return the rounds of loops that something was claimed in: `n1[0]/n2#3`."""
    found = set()
    for path in paths:
        for step in re.finditer(r"(\w+)[\[#]\d+\]?", path):
            if step[1] in loops:
                found.add(path[: step.end()])
    return found
