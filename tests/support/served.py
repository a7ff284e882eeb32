"""An example as a service: compiled, imported, its worker in this process, its API in front of it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient

from saltern_compiler.driver import Source, compile_source, write_tree
from saltern_runtime.engine.one_process import InOneProcess, in_one_process
from saltern_runtime.settings import Settings
from saltern_runtime.store.views import RunState, RunView
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from tests.support.built import ROOT, importable
from tests.support.working import working

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ADDRESS = "http://service"


@dataclass
class Served:
    """A service that is up."""

    worker: InOneProcess
    client: TestClient
    """Of the API, without a token."""

    def start(self, given: Mapping[str, Any]) -> str:
        """Start a run; return its id."""
        return self.worker.service.start(given, tenant="local", trigger="test").run_id

    def run(self, given: Mapping[str, Any]) -> RunView:
        """Start a run and work until it is over."""
        return self.worker.finish(self.start(given), 30)

    def waiting(self, run_id: str) -> RunView:
        """Work until a run waits for what is outside."""
        end = time.monotonic() + 20
        while self.worker.service.reader.state(run_id) != RunState.WAITING and time.monotonic() < end:
            self.worker.finish(run_id, 0.05)
        view = self.worker.service.get(run_id, "local")
        assert view is not None
        assert view.awaits, view
        return view

    def working(self) -> AbstractContextManager[None]:
        """Work beside what is done meanwhile, such as a request that waits for its answer."""
        return working(self.worker)


@contextmanager
def served(name: str, folder: Path, redis_url: str, replaced: Mapping[str, str]) -> Iterator[Served]:
    """Serve an example as it stands, but for what is `replaced` in its text."""
    source = ROOT / "examples" / name
    text = Source.load(str(source / f"{name}.saltern")).text
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    files = {each.relative_to(source).as_posix(): each.read_text("utf-8") for each in source.glob("*/*.saltern")}
    result = compile_source(text, source_name=f"{name}.saltern", files=files)
    assert result.diagnostics == ()
    write_tree(result.artifacts, folder / "tree")
    settings = Settings(redis_url=redis_url, public_url=ADDRESS)
    with importable(folder / "tree", name) as load:
        graph, app = load("graph").GRAPH, load("api").create_app(settings)
        with in_one_process(graph, redis_url=redis_url, settings=settings) as worker:
            app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(""))}
            yield Served(worker, TestClient(app, base_url=ADDRESS))
