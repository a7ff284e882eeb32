"""The benchmarks' workers follow the runtime: what `make bench` starts can be started."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import importlib, json, sys
app = importlib.import_module("bench.runtime_peers." + sys.argv[1]).app
print(json.dumps(sorted(name for name in app.tasks if not name.startswith("celery."))))
"""


@pytest.mark.parametrize(
    ("peer", "case", "tasks"),
    [("ours", "chain", 10), ("ours", "fan", 104), ("ours", "diamond", 4), ("ours", "pure_fan", 1), ("loops", "", 4)],
)
def test_the_workers_have_a_task_a_stage(peer, case, tasks):
    """Each stage of the benchmark's graphs has its task when the worker's module is imported."""
    env = {**os.environ, "SALTERN_REDIS_URL": "redis://127.0.0.1:1/0", "SALTERN_BENCH": case}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, peer], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == tasks
