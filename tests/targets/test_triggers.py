"""One pipeline as an API, a webhook and a schedule by one line each, and back: its text and its nodes stay as they are."""

import json
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from saltern_compiler.driver import compile_source, write_tree
from saltern_compiler.frontend.convert import convert
from saltern_compiler.frontend.notations import notation_of
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.engine.schedules import TENANT, Schedules
from saltern_runtime.settings import Settings
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from tests.support.built import importable

TEXT = """
pipeline three_doors
input { n: int }
output { n: int }
on api
return { n: input.n + 1 }
"""
DRAWN = convert(TEXT.replace("three", "drawn"), "drawn_doors.saltern", notation_of("drawn_doors.json", ""))[0].text
SOURCES = {TEXT: "three_doors.saltern", DRAWN: "drawn_doors.json"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK = 'webhook "/hook" { signature: standard, secret: env("DOOR_SECRET") }'
SCHEDULE = 'schedule "* * * * *" { catch_up: all, input: { n: 6 } }'


def compiled(text, *triggers):
    result = compile_source(text, source_name=SOURCES[text], triggers=triggers)
    assert not result.has_errors, (result.diagnostics, result.of_given)
    assert result.diagnostics == result.of_given == ()
    return result.artifacts


@pytest.fixture
def served(tmp_path, redis_url, monkeypatch):
    """Serve what comes of triggers: what runs it, and a client of its API."""
    monkeypatch.setenv("DOOR_SECRET", SECRET)

    @contextmanager
    def serve(text, *triggers):
        folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "tree"
        write_tree(compiled(text, *triggers), folder)
        token, entry = tokens.new(TENANT)
        settings = Settings(redis_url=redis_url, sweep=0.02)
        with importable(folder, Path(SOURCES[text]).stem) as load:
            graph, app = load("graph").GRAPH, load("api").create_app(settings)
            with in_one_process(graph, redis_url=redis_url, settings=settings) as process:
                app.state.saltern_backends = {graph.name: Backend(process.service, settings, tokens.read(str(entry)))}
                yield process, TestClient(app, headers={"Authorization": f"Bearer {token}"})

    return serve


def output(process, run_id):
    view = process.finish(run_id, 20)
    return view.trigger, view.output


@pytest.mark.parametrize("text", SOURCES, ids=["language", "document"])
def test_all_three_and_back(text, served, redis_client):
    """Each starts a run that gives the same; what is built without the option is, to the byte, what it was before."""
    before = compiled(text)
    with served(text) as (process, client):
        assert output(process, client.post("/runs", json={"n": 6}).json()["id"]) == ("api", {"n": 7})

    with served(text, WEBHOOK) as (process, client):
        now, body = datetime.now(UTC), '{"n": 6}'
        signed = Webhook(SECRET).sign("msg_1", now, body)
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signed}
        answer = client.post("/hook", content=body, headers={"Content-Type": "application/json", **headers})
        assert answer.status_code == 202, answer.text
        assert output(process, answer.json()["id"]) == ("webhook:/hook", {"n": 7})

    with served(text, SCHEDULE) as (process, _):
        timers, (known,) = Schedules(process.service), process.service.graph.schedules
        timers.fire()
        at = f"{process.service.store.keys.shard(0)}schedules"
        _, _, signature = redis_client.hget(at, known).partition(" ")
        seconds, _ = redis_client.time()
        redis_client.hset(at, known, f"{(seconds - 60) * 1000} {signature}")  # as if it had fired a minute ago
        assert timers.fire() == 1
        (run,) = [each for each in process.service.list(TENANT, limit=10).runs if each.trigger == f"schedule:{known}"]
        assert output(process, run.id) == (f"schedule:{known}", {"n": 7})

    assert compiled(text) == before


def test_only_what_starts_it_differs(tmp_path):
    """Nodes and models are the same to the byte, whatever starts a run; where a trigger is the source's own, so is all but what a build writes down of itself."""
    api, hook, timer = (compiled(TEXT, *triggers) for triggers in ((), (WEBHOOK,), (SCHEDULE,)))
    for part in ("three_doors/nodes.py", "three_doors/models.py"):
        assert len({tree.get(part) for tree in (api, hook, timer)}) == 1
    same = compiled(TEXT, "api")
    assert {path for path in same if same[path] != api[path]} == {"saltern-build.json"}
    assert json.loads(hook["saltern-build.json"])["triggers"] == [WEBHOOK]


def test_several_at_once(served):
    """They stand beside each other, in whatever order they are given."""
    assert compiled(TEXT, "api", WEBHOOK, SCHEDULE).keys() == compiled(TEXT, SCHEDULE, WEBHOOK, "api").keys()
    with served(TEXT, WEBHOOK, "api") as (process, client):
        assert client.post("/runs", json={"n": 6}).status_code == 202
        assert client.post("/hook", json={"n": 6}).status_code == 401
        assert process.service.graph.schedules == {}
