"""An app around a stand-in service, and clients that hold tokens of two tenants.

FastAPI takes a tenth of a second for the routes of one pipeline, so tests share them: apps of a pipeline are made once, and each
test puts a backend of its own behind them, over a database that nobody else has written to.
"""

import os
from functools import cache

import httpx
import pytest
from fastapi import FastAPI, Response
from pydantic import ConfigDict
from redis import Redis

from saltern_runtime.models import Model
from saltern_runtime.settings import Settings
from saltern_runtime.web import Delivery, PipelineRouter, Start, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.vendors import BODY, SCHEMES, secret_of
from tests.support.web import GRAPH, FakeService, Input, Output

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def redis_client(redis_server):
    """Client of a database that is empty when a test begins."""
    with Redis(port=redis_server.port, db=1, decode_responses=True) as client:
        client.flushdb()
        yield client


@pytest.fixture
def redis_url(redis_server, redis_client):
    """URL of a database that is empty when a test begins."""
    return redis_server.url.removesuffix("/0") + "/1"


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture(scope="session")
def router():
    made = PipelineRouter(GRAPH, output=Output)

    @made.start("/runs")
    async def start_run(body: Input, start: Start) -> Response:
        """Start a run."""
        return await start(body)

    @made.webhook("/hooks/greet", secret="env:GREET_SECRET")
    async def receive_greet(body: Input, deliver: Delivery) -> Response:
        """Take a delivery."""
        return await deliver(body)

    return made


@pytest.fixture(scope="session")
def keyring():
    """Tenant → (token, entry)."""
    return {tenant: tokens.new(tenant) for tenant in ("default", "other")}


@pytest.fixture(scope="session")
def settings(keyring):
    return Settings(api_tokens=",".join(str(entry) for _, entry in keyring.values()), max_body=8000)


@pytest.fixture
def furnish(service, settings):
    """Put the stand-in service behind an app."""

    def furnish(app):
        entries = tokens.read(settings.api_tokens)
        app.state.saltern_backends = {GRAPH.name: Backend(service, settings, entries)}
        return app

    return furnish


@pytest.fixture(scope="session")
def greeter(router, settings):
    """The app, without a backend."""
    return build_app(router, settings)


@pytest.fixture
def app(greeter, furnish, monkeypatch):
    monkeypatch.setitem(os.environ, "GREET_SECRET", SECRET)
    return furnish(greeter)


@pytest.fixture
def connect(keyring):
    """Make a client of an app that holds a tenant's token, or none."""

    def connect(app, tenant="default"):
        headers = {"Authorization": f"Bearer {keyring[tenant][0]}"} if tenant else {}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)

    return connect


@pytest.fixture
async def client(app, connect):
    async with connect(app) as made:
        yield made


class Open(Model):
    """What a vendor sends, of which the pipeline reads a part."""

    model_config = ConfigDict(extra="ignore")
    id: str


@cache
def hooked(kind):
    """Make an app with a webhook of a scheme."""
    router = PipelineRouter(GRAPH, output=Output)

    @router.webhook("/hook", signature=SCHEMES[kind][0], secret="env:HOOK_SECRET")
    async def receive(body: Open, deliver: Delivery) -> Response:
        return await deliver(body)

    app = FastAPI()
    app.include_router(router)
    return app


@pytest.fixture
async def send(request, furnish, connect, monkeypatch):
    """Send signed bodies to a webhook of the scheme that the test names; `send.signs` makes its headers."""
    kind = request.node.callspec.params["kind"]
    signs = SCHEMES[kind][1]
    monkeypatch.setenv("HOOK_SECRET", secret_of(kind))
    app = furnish(hooked(kind))
    async with connect(app, None) as client:

        async def post(body=BODY, **headers):
            return await client.post(
                "/hook", content=body, headers={"content-type": "application/json", **signs(body), **headers}
            )

        post.signs = signs
        post.document = app.openapi
        yield post
