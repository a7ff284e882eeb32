"""Both clients behind one face: what a test says of one, it says of the other."""

import threading
import time
from contextlib import contextmanager

import pytest
from anyio.from_thread import start_blocking_portal

from saltern_runtime.client import AsyncClient, Client, aio, client
from tests.support.operated import Input, Output


class Blocking:
    """An async client whose methods wait."""

    def __init__(self, portal, made):
        self._portal = portal
        self._made = made

    def __getattr__(self, name):
        method = getattr(self._made, name)

        def call(*args, **kwargs):
            async def made():
                return method(*args, **kwargs)

            given = self._portal.call(made)
            return self._each(given) if hasattr(given, "__aiter__") else self._portal.call(_awaited, given)

        return call

    def _each(self, given):
        while True:
            try:
                yield self._portal.call(given.__anext__)
            except StopAsyncIteration:
                return

    def __repr__(self):
        return repr(self._made)


async def _awaited(given):
    return await given


@pytest.fixture(params=["sync", "async"])
def connect(request):
    """A client of a service, `connect(url, token)`, which is closed at the end of its block."""

    @contextmanager
    def connect(url, token="saltern_x", **options):
        if request.param == "sync":
            with Client(url, token, **options) as made:
                yield made
            return
        with start_blocking_portal() as portal:
            made = AsyncClient(url, token, **options)
            yield Blocking(portal, made)
            portal.call(made.close)

    connect.kind = request.param
    return connect


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that clients make, which last no time."""
    made = []

    async def sleep(seconds):
        made.append(seconds)

    sleeping, here = time.sleep, threading.get_ident()

    def pause(seconds):
        if threading.get_ident() == here:
            made.append(seconds)
        else:
            sleeping(seconds)

    monkeypatch.setattr(client.time, "sleep", pause)
    monkeypatch.setattr(aio.anyio, "sleep", sleep)
    return made


@pytest.fixture
def ours(connect, orders):
    """A typed client of the service of orders."""
    with connect(orders.url, orders.token, input=Input, output=Output) as made:
        yield made


@pytest.fixture
def plain(connect, orders):
    """A client without types."""
    with connect(orders.url, orders.token) as made:
        yield made
