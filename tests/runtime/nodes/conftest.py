"""Contexts for nodes that are called without an engine."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from saltern_runtime.files import CHUNK, Files
from saltern_runtime.graph import Connection, Context, RunInfo
from saltern_runtime.settings import Settings
from saltern_runtime.spec.networks import NetworkList
from saltern_runtime.store.files import RunFiles, Shelf
from saltern_runtime.store.store import Store

MakeContext = Callable[..., Context]


@pytest.fixture
def context() -> MakeContext:
    """Make a context: `context(connection, seconds=…, attempt=…)`."""

    def make(
        connection: Connection | None = None,
        *,
        seconds: float = 10.0,
        attempt: int = 1,
        max_payload: int = 1_048_576,
        private_networks: str = "any",
        files: Files | None = None,
    ) -> Context:
        run = RunInfo(id="run-1", tenant="acme", started_at=datetime(2020, 1, 1, tzinfo=UTC))
        deadline, networks = time.monotonic() + seconds, NetworkList(private_networks)
        limits = (deadline, max_payload)
        return Context(run, "it", "it", attempt, connection, *limits, private_networks=networks, files=files)

    return make


@pytest.fixture
def files(redis_server: Any) -> Iterator[RunFiles]:
    """Give the files of a run on a real store."""
    store = Store(f"files_{uuid.uuid4().hex[:8]}", Settings(redis_url=redis_server.url, max_file=64 * CHUNK))
    yield RunFiles(Shelf(store), "acme", 600.0)
    store.close()


@pytest.fixture
def slack_connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Give a connection with a good token."""
    monkeypatch.setenv("TEST_SLACK_TOKEN", "xoxb-good")
    return Connection("team", connector="slack", secrets={"token": "env:TEST_SLACK_TOKEN"})


@pytest.fixture
def openai_connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Give a connection with a good key."""
    monkeypatch.setenv("TEST_OPENAI_KEY", "sk-good")
    return Connection("model", connector="openai", settings={"model": "small"}, secrets={"key": "env:TEST_OPENAI_KEY"})


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch, postgres_dsn: str) -> Connection:
    """Give a connection to an empty database."""
    monkeypatch.setenv("TEST_DSN", postgres_dsn)
    return Connection("crm", connector="postgres", secrets={"dsn": "env:TEST_DSN"})


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port at which nobody listens, kept so for the test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@pytest.fixture
def spec() -> Callable[[str], Any]:
    """Look up a node type."""
    from saltern_compiler.registry import Registry

    return lambda name: Registry.load().node(name)
