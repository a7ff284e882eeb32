"""An API of a pipeline with files, over the real store: in this process, and in one of its own."""

import uuid
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.web import build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support import files


@pytest.fixture
def name():
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def settings(settings):
    return replace(settings, max_file=files.MAX_FILE)


@pytest.fixture
def worker(name, settings, redis_url):
    with in_one_process(files.graph(name), redis_url=redis_url, settings=settings) as opened:
        yield opened


@pytest.fixture
def app(name, settings, worker):
    made = build_app(files.router(worker.service.graph), settings)
    made.state.saltern_backends = {name: Backend(worker.service, settings, tokens.read(settings.api_tokens))}
    return made


@pytest.fixture
def payloads(worker, redis_client):
    """Count what lies in the store."""
    return lambda: len(redis_client.keys(f"*{worker.service.graph.name}*payload:*"))


@pytest.fixture
def serve(name, redis_url, keyring):
    """Start the API in a process of its own."""

    @contextmanager
    def serve(**options):
        process = files.Process(name, redis_url, keyring["default"][1], **options)
        try:
            with httpx.Client(base_url=process.url, headers=files.bearer(keyring), timeout=60) as client:
                yield process, client
        finally:
            process.stop()

    return serve
