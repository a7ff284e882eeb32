"""A server of a bench's own, and the processes that work on it."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.redis import RedisServer

ROOT = Path(__file__).parent.parent
WORKERS = 2
"""Processes of a worker."""


@contextmanager
def own_redis() -> Iterator[RedisServer]:
    """Run a server with an append-only file; settings that are read from the environment find it."""
    with tempfile.TemporaryDirectory(prefix="saltern-bench-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        os.environ["SALTERN_REDIS_URL"] = server.url
        try:
            yield server
        finally:
            server.stop()


def worker(module: str, processes: int = WORKERS, **env: str) -> subprocess.Popen[bytes]:
    """Start the Celery worker of a module of `bench.runtime_peers`."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "error")
    return python("celery", "-A", f"bench.runtime_peers.{module}", "worker", "-c", str(processes), *quiet, **env)


def python(*arguments: str, **env: str) -> subprocess.Popen[bytes]:
    """Start a module of Python, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and see that it does."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def medians(
    cases: Mapping[str, Any], measure: Callable[[str, Any], dict[str, float]], rounds: int
) -> dict[str, dict[str, float]]:
    """Measure cases in turn on one server, and return the middle of each of their figures."""
    with own_redis() as server:
        found = [{name: measure(server.url, case) for name, case in cases.items()} for _ in range(rounds)]
    return {
        name: {part: statistics.median(each[name][part] for each in found) for part in found[0][name]} for name in cases
    }
