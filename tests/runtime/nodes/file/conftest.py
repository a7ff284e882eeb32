"""Contexts for the nodes that read files, and the children of this process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from saltern_runtime.files import File
from saltern_runtime.graph import Context, RunInfo
from saltern_runtime.nodes import file
from saltern_runtime.nodes.file import apart as reading
from saltern_runtime.nodes.file import reader
from saltern_runtime.nodes.file.results import TextResult


@pytest.fixture
def text(context: Callable[..., Any]) -> Callable[..., TextResult]:
    """Read the text of bytes: `text(content, name, …)`."""

    def read(
        content: bytes, name: str = "it", media_type: str = "", seconds: float = 600.0, **given: Any
    ) -> TextResult:
        return file.text(context(seconds=seconds), file=File.of(name, content, media_type), **given)

    return read


@pytest.fixture
def rows(context: Callable[..., Any]) -> Callable[..., Any]:
    """Read the rows of bytes: `rows(content, name, …)`; of a type, where `result` is given."""

    def read(content: bytes, name: str = "it", media_type: str = "", seconds: float = 600.0, **given: Any) -> Any:
        found = file.rows(context(seconds=seconds), file=File.of(name, content, media_type), **given)
        return found.rows

    return read


@pytest.fixture
def apart() -> None:
    """The test's files are read in a process of its own, as workers do it, whatever its module says."""


@pytest.fixture
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process: for what a file means, where a process each is not what is shown."""

    def answer(ctx: Context, of: File, content: Any, question: Any) -> Any:
        said = json.dumps(reader._answer(content, json.load(question)), ensure_ascii=False, allow_nan=False)
        return reading._value(of, said.encode("utf-8", "replace"))

    if "apart" not in request.fixturenames:
        monkeypatch.setattr(reading, "_answer", answer)


@pytest.fixture(autouse=True)
def _no_child_remains() -> Iterator[None]:
    """Every reader has ended, and was waited for."""
    before = _children()
    yield
    assert _children() <= before


def _children() -> set[str]:
    """Return the ids of this process's children, ended ones that nobody waited for among them."""
    found: set[str] = set()
    for task in Path("/proc/self/task").glob("*"):
        with suppress(FileNotFoundError):  # a thread that has ended since
            found |= set((task / "children").read_text().split())
    return found


@pytest.fixture(scope="module")
def context_once() -> Iterator[Callable[..., Any]]:
    """Make contexts in a test that hypothesis repeats; what takes long is refused soon."""

    def make(seconds: float) -> Context:
        run = RunInfo(id="run-1", tenant="acme", started_at=datetime(2020, 1, 1, tzinfo=UTC))
        return Context(run, "it", "it", 1, None, time.monotonic() + seconds)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "CPU", 5)
        yield make
