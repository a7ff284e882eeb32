"""A place for large values and files that is of no use: seen before anything is sent, told in words that fit, tried now and then."""

from dataclasses import replace

import anyio
import pytest

from saltern_runtime.engine import service as services
from saltern_runtime.engine.service import Service
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store import link
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from tests.runtime.web.files.test_forms import END, KIND, PDF, doc

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path):
    """The folder that the setting names; it is not there."""
    return tmp_path / "nowhere"


@pytest.fixture
def tried(monkeypatch):
    """Count how often a place is tried out, which is a process each time."""
    times = []

    def prove(*given):
        times.append(given)
        really(*given)

    really = link.prove
    monkeypatch.setattr(link, "prove", prove)
    return times


@pytest.fixture
def worker():
    """No worker: a service that was just started."""


@pytest.fixture
def app(bare, graph, settings, redis_url, folder):
    settings = replace(settings, redis_url=redis_url, payloads=PayloadPlace(f"file://{folder}"))
    service = Service(graph, settings)
    bare.state.saltern_backends = {graph.name: Backend(service, settings, tokens.read(settings.api_tokens))}
    yield bare
    service.close()


ASKED = {
    "readyz": ("GET", "/readyz", {}),
    "a run": ("POST", "/runs", {"json": {"note": "a"}}),
    "a form": ("POST", "/runs", {"content": doc() + END, "headers": {"content-type": KIND}}),
    "an upload": ("POST", "/files?name=a.pdf", {"content": b"%PDF", "headers": {"content-type": "application/pdf"}}),
    "a file": ("GET", f"/files/{PDF.sha256}", {}),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_a_missing_folder_is_told_at_every_door(client, folder, caplog, asked):
    """503 in words that fit; the log alone names the folder and says what to do, in one line."""
    method, path, given = ASKED[asked]
    answer = await client.request(method, path, **given)
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unfit")
    assert "large values and files" in answer.json()["detail"]
    assert "lose runs" not in answer.text
    assert str(folder) not in answer.text
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert f"SALTERN_PAYLOADS: the folder {folder} is not there: create it" in line
    assert "\n" not in line


async def test_a_bad_place_is_tried_now_and_then(client, tried, caplog):
    """However many ask: one process, and one line."""
    for method, path, given in [*ASKED.values(), *ASKED.values()]:
        assert (await client.request(method, path, **given)).status_code == 503
    assert len(tried) == 1
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


async def test_many_at_once_try_it_once(client, tried):
    """Whoever comes while it is tried waits for what that says."""
    codes = []

    async def ask():
        codes.append((await client.get("/readyz")).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(ask)
    assert (codes, len(tried)) == ([503] * 6, 1)


async def test_a_place_that_is_mended_is_taken(client, folder, tried, monkeypatch):
    """Without a new start; and what was proven good is not tried again."""
    assert (await client.get("/readyz")).status_code == 503
    monkeypatch.setattr(services, "AGAIN", 0.0)
    folder.mkdir()
    for _ in range(3):
        assert (await client.get("/readyz")).json() == {"status": "ready"}
    assert (await client.post("/files?name=a.pdf", content=b"%PDF")).status_code == 201
    assert len(tried) == 2


async def test_what_is_tried_for_long_keeps_nobody(client, app, pipeline, monkeypatch):
    """Who comes meanwhile is told to come again."""
    monkeypatch.setattr(services, "PATIENCE", 0.0)
    service = app.state.saltern_backends[pipeline].service
    with service._preparing:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "store-unavailable", "1")


async def test_a_place_that_cannot_be_reached_is_no_refusal(client, monkeypatch):
    """That may pass, so the process takes work, as it would go on where it happened later."""
    from saltern_runtime.store.failures import PayloadsUnreachableError

    def prove(*_):
        raise PayloadsUnreachableError("SALTERN_PAYLOADS: 10.0.0.1 cannot be reached")

    monkeypatch.setattr(link, "prove", prove)
    assert (await client.get("/readyz")).status_code == 200
    answer = await client.post("/files?name=a.pdf", content=b"%PDF")
    assert answer.json()["code"] == "store-unfit"  # the folder is missing still
    assert "lose runs" not in answer.text
