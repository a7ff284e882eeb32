"""An API of a pipeline with files, over the real store: in this process, and in one of its own."""

import uuid
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI, Response

from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.web import Delivery, PipelineRouter, build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support import files


@pytest.fixture(scope="session")
def pipeline():
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def graph(pipeline):
    return files.graph(pipeline)


@pytest.fixture(scope="session")
def settings(settings):
    return replace(settings, max_file=files.MAX_FILE)


@pytest.fixture
def worker(graph, settings, redis_url):
    with in_one_process(graph, redis_url=redis_url, settings=settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def bare(graph, settings):
    """The app, without a backend."""
    return build_app(files.router(graph), settings)


@pytest.fixture
def app(bare, pipeline, settings, worker):
    bare.state.saltern_backends = {pipeline: Backend(worker.service, settings, tokens.read(settings.api_tokens))}
    return bare


@pytest.fixture(scope="session")
def hooked(graph):
    """An app with a webhook, without a backend."""
    router = PipelineRouter(graph, output=files.Output)

    @router.webhook("/hook", signature="github", secret="env:HOOK_SECRET")
    async def receive(body: files.Input, deliver: Delivery) -> Response:
        return await deliver(body)

    app = FastAPI()
    app.include_router(router)
    return app


@pytest.fixture
def payloads(worker, redis_client):
    """Count what lies in the store."""
    return lambda: len(redis_client.keys(f"*{worker.service.graph.name}*payload:*"))


@pytest.fixture
def serve(pipeline, redis_url, keyring):
    """Start the API in a process of its own."""

    @contextmanager
    def serve(**options):
        process = files.Process(pipeline, redis_url, keyring["default"][1], **options)
        try:
            with httpx.Client(base_url=process.url, headers=files.bearer(keyring), timeout=60) as client:
                yield process, client
        finally:
            process.stop()

    return serve
