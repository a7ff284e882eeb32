"""What an app holds for one pipeline: kept on the app, never in a module, made when the first request needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from starlette.applications import Starlette

from saltern_runtime.engine.service import Service
from saltern_runtime.graph import Graph
from saltern_runtime.observe import tracing
from saltern_runtime.settings import Settings
from saltern_runtime.web import tokens
from saltern_runtime.web.watching import Hubs, Streams

FLUSH: Final = 3.0
"""Seconds that an app which stops has to send off its traces."""
MOST_WAITERS: Final = 32
"""Requests that wait for the end of their run, at most; further ones get their 202 at once."""

MOST_UPLOADS: Final = 16
"""Bodies that are put into the store at once, at most, half of them of one tenant; further ones wait, unread."""
MOST_DOWNLOADS: Final = 24
"""Files that go out at once, at most, half of them to one tenant; further ones are asked for again."""


class Shares:
    """So many at once, and no more than half of them of one tenant."""

    def __init__(self, most: int) -> None:
        self.whole = anyio.CapacityLimiter(most)
        self._half = max(1, most // 2)
        self._tenants: dict[str, anyio.CapacityLimiter] = {}

    @asynccontextmanager
    async def one(self, tenant: str) -> AsyncIterator[None]:
        """Wait for a tenant's turn among its own; `whole` is for whoever does the work."""
        share = self._tenants.setdefault(tenant, anyio.CapacityLimiter(self._half))
        try:
            async with share:
                yield
        finally:
            figures = share.statistics()
            if not figures.borrowed_tokens and not figures.tasks_waiting:
                self._tenants.pop(tenant, None)

    def is_full(self, tenant: str) -> bool:
        """Whether one more would have to wait."""
        share = self._tenants.get(tenant)
        return not self.whole.available_tokens or (share is not None and not share.available_tokens)


@dataclass(slots=True)
class Backend:
    """A pipeline's service, and who may use it."""

    service: Service
    settings: Settings
    entries: tuple[tokens.Entry, ...]
    streams: Streams = field(default_factory=Streams)
    waiters: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(MOST_WAITERS))
    uploads: Shares = field(default_factory=lambda: Shares(MOST_UPLOADS))
    downloads: Shares = field(default_factory=lambda: Shares(MOST_DOWNLOADS))
    hubs: Hubs = field(init=False)

    def __post_init__(self) -> None:
        """Let all who watch runs share what is read of them."""
        self.hubs = Hubs(self.service.news)


def of(app: Starlette, graph: Graph) -> Backend:
    """Return the app's backend for a pipeline; `app.state.saltern_settings` replaces the environment's settings."""
    held: dict[str, Backend] = _held(app)
    if graph.name not in held:
        settings = getattr(app.state, "saltern_settings", None) or Settings.from_env()
        held[graph.name] = Backend(Service(graph, settings), settings, tokens.read(settings.api_tokens))
    return held[graph.name]


@asynccontextmanager
async def closing(app: Starlette) -> AsyncIterator[Mapping[str, object]]:
    """Close what was opened for an app when it stops."""
    yield {}
    held = _held(app)
    while held:
        _, backend = held.popitem()
        await anyio.to_thread.run_sync(backend.service.close)
    await anyio.to_thread.run_sync(tracing.flush, FLUSH)


def _held(app: Starlette) -> dict[str, Backend]:
    if not hasattr(app.state, "saltern_backends"):
        app.state.saltern_backends = {}
    held: dict[str, Backend] = app.state.saltern_backends
    return held
