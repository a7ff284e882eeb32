"""The benchmarks follow the runtime: what `make bench` starts can be started, and measures what it says."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import accepting, endurance, limits, recovery
from bench.cases import CASES
from bench.runtime import alone
from bench.runtime_peers.ours import TREE
from tests.support.effort import LONG

ROOT = Path(__file__).parents[2]
SCRIPT = """
import importlib, json, sys
app = importlib.import_module("bench.runtime_peers." + sys.argv[1]).app
print(json.dumps(sorted(name for name in app.tasks if not name.startswith("celery."))))
"""


@pytest.mark.parametrize(
    ("peer", "case", "tasks"),
    [
        ("ours", "chain", 10),
        ("ours", "fan", 104),
        ("ours", "diamond", 4),
        ("ours", "pure_fan", 1),
        ("loops", "", 4),
        ("mortal", "", 1),
    ],
)
def test_the_workers_have_a_task_a_stage(peer, case, tasks):
    """Each stage of the benchmark's graphs has its task when the worker's module is imported."""
    env = {**os.environ, "SALTERN_REDIS_URL": "redis://127.0.0.1:1/0", "SALTERN_BENCH": case}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, peer], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == tasks


@pytest.fixture
def own_server(own_redis, monkeypatch):
    """The server that settings read from the environment name."""
    monkeypatch.setenv("SALTERN_REDIS_URL", own_redis.url)
    monkeypatch.setenv(TREE, "")  # what a bench writes there is gone with the test
    return own_redis


def test_what_a_stage_costs_is_counted_among_those_that_wait(own_server):
    """Each is created, claimed and ended; what waits before it is still there, and nothing is left for the next measure."""
    few, many = (limits.measure(own_server.url, None, length, runs=20) for length in (1, 200))
    assert few["us"] > 0 < few["calls"]
    assert abs(few["calls"] - many["calls"]) < 20
    assert 500 < many["bytes"] < 20_000
    with own_server.client() as client:
        assert client.dbsize() == 0


@pytest.mark.skipif(not LONG, reason="starts processes for seconds")
def test_scripts_alone_take_runs_to_their_ends(own_server):
    """Two processes without workers end all runs of a case; of what is no stage a node there is no such figure."""
    assert alone(replace(CASES["diamond"], runs=10)) > 0
    assert alone(CASES["pure_fan"]) is None


@pytest.mark.skipif(not LONG, reason="starts processes for seconds")
def test_a_killed_worker_is_measured(own_server, tmp_path):
    """Each kill is of the worker that holds the stage, and its run ends, no sooner than the lease may."""
    found = recovery.measure(1.0, tmp_path, kills=2)
    assert len(found) == 2
    assert all(0.3 < seconds < 30 for seconds in found)


@pytest.mark.skipif(not LONG, reason="starts processes for seconds")
def test_both_apis_take_in_runs(own_server, tmp_path):
    """Every request is answered by 202, by ours and by the bare ones."""
    (row,) = accepting.measure(tmp_path, 64, 1)
    assert row.keys() == accepting.PATHS.keys()
    assert all(each["per_second"] > 0 for each in row.values())


@pytest.mark.skipif(not LONG, reason="starts processes for seconds")
def test_a_worker_is_looked_at_behind_each_tenth(own_server):
    """From before the first run to behind the last one, with its two processes."""
    found = endurance.measure(200)
    assert [each["done"] for each in found] == list(range(0, 201, 20))
    assert all(len(each["children"]) == 2 for each in found)
