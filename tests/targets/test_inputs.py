"""What a run starts with is held to its types at every door of a generated service, exactly as its document says."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.dev import __main__ as dev
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.settings import Settings
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from tests.support.built import importable

SOURCE = """
pipeline inputs_door
input {
  n: int,
  x?: double,
  b?: bool,
  either?: int | string,
  maybe?: int?,
  level?: 1 | 2,
  flag?: true | "no",
  lines?: list<{ count: int }>,
  sizes?: map<int>
}
output { n: int }
on api
on webhook "/hook" { signature: standard, secret: env("DOOR_SECRET") }
return { n: input.n }
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
INT = {"type": "integer", "minimum": -(2**63), "exclusiveMaximum": 2**63, "format": "int64"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    result = compile_source(SOURCE, source_name="inputs_door.saltern")
    assert not result.has_errors, result.diagnostics
    folder = tmp_path_factory.mktemp("inputs") / "tree"
    write_tree(result.artifacts, folder)
    (folder.parent / "inputs_door.saltern").write_text(SOURCE)
    return folder


@pytest.fixture(scope="module")
def door(tree, redis_server):
    """Give the worker, and a client of the API with a token."""
    settings = Settings(redis_url=redis_server.url)
    token, entry = tokens.new("local")
    with importable(tree, "inputs_door") as load:
        graph, app = load("graph").GRAPH, load("api").create_app(settings)
        with in_one_process(graph, redis_url=settings.redis_url, settings=settings) as worker:
            app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(str(entry)))}
            yield worker, TestClient(app, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def service(door, monkeypatch):
    """The same for a test, and how many runs there were before it."""
    monkeypatch.setenv("DOOR_SECRET", SECRET)
    return *door, len(door[0].service.list("local", limit=200).runs)


@pytest.fixture(scope="module")
def document(tree):
    with importable(tree, "inputs_door") as load:
        return load("api").create_app(Settings()).openapi()


def send(client, path, text):
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, text),
    }
    return client.post(path, content=text, headers={"Content-Type": "application/json", **signed})


@pytest.mark.parametrize("path", ["/runs", "/hook"])
@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"n": "1"}', "#/n"),
        ('{"n": ""}', "#/n"),
        ('{"n": true}', "#/n"),
        ('{"n": null}', "#/n"),
        ('{"n": 1.5}', "#/n"),
        ('{"n": [1]}', "#/n"),
        ('{"n": 9223372036854775808}', "#/n"),
        ('{"n": -9223372036854775809}', "#/n"),
        ('{"n": 1e300}', "#/n"),
        ('{"n": 1e19}', "#/n"),
        ('{"n": 1, "maybe": "1"}', "#/maybe"),
        ('{"n": 1, "either": true}', "#/either"),
        ('{"n": 1, "either": 9223372036854775808}', "#/either"),
        ('{"n": 1, "lines": [{"count": 1}, {"count": "2"}]}', "#/lines/1/count"),
        ('{"n": 1, "sizes": {"a": false}}', "#/sizes/a"),
        ('{"n": 1, "x": "1.5"}', "#/x"),
        ('{"n": 1, "x": true}', "#/x"),
        ('{"n": 1, "b": 1}', "#/b"),
        ('{"n": 1, "b": "yes"}', "#/b"),
        ('{"n": 1, "b": "true"}', "#/b"),
        ('{"n": 1, "level": true}', "#/level"),
        ('{"n": 1, "level": "1"}', "#/level"),
        ('{"n": 1, "flag": 1}', "#/flag"),
    ],
)
def test_what_the_document_refuses_starts_nothing(service, document, path, text, pointer):
    """A 422 problem names the field; the schema of the document refuses the same."""
    worker, client, before = service
    answer = send(client, path, text)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert (found["code"], {each["pointer"] for each in found["errors"]}) == ("invalid-request", {pointer})
    assert len(worker.service.list("local", limit=200).runs) == before
    assert not Draft202012Validator(_input(document)).is_valid(json.loads(text))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"n": 9223372036854775807}', {"n": 2**63 - 1}),
        ('{"n": -9223372036854775808}', {"n": -(2**63)}),
        ('{"n": 1.0}', {"n": 1}),
        ('{"n": -0.0}', {"n": 0}),
        ('{"n": 1e3}', {"n": 1000}),
        ('{"n": 1, "either": "1"}', {"n": 1, "either": "1"}),
        ('{"n": 1, "either": 2.0}', {"n": 1, "either": 2}),
        ('{"n": 1, "maybe": null}', {"n": 1, "maybe": None}),
        ('{"n": 1, "level": 2.0}', {"n": 1, "level": 2}),
        ('{"n": 1, "flag": true}', {"n": 1, "flag": True}),
        ('{"n": 1, "x": 2, "b": false}', {"n": 1, "x": 2.0, "b": False}),
        ('{"n": 1, "lines": [{"count": 2.0}], "sizes": {"a": 3.0}}', {"n": 1, "lines": [{"count": 2}], "sizes": {"a": 3}}),
    ],
)  # fmt: skip
def test_what_the_document_takes_runs(service, document, text, kept):
    """1.0 is an integer, as JSON Schema says, and is one from then on."""
    worker, client, _ = service
    answer = send(client, "/runs", text)
    assert answer.status_code == 202, answer.json()
    run = worker.finish(answer.json()["id"], 20)
    assert (run.state, run.output) == ("SUCCEEDED", {"n": kept["n"]})
    assert json.dumps(run.input, sort_keys=True) == json.dumps(kept, sort_keys=True)
    assert Draft202012Validator(_input(document)).is_valid(json.loads(text))


def _input(document):
    return {"$ref": "#/components/schemas/Input", "components": document["components"]}


def test_the_document_says_how_large_an_int_is(document):
    """Programs that are made of the document take 64 bits, and know where they end."""
    fields = document["components"]["schemas"]["Input"]["properties"]
    assert {key: fields["n"][key] for key in INT} == INT
    assert INT in fields["either"]["anyOf"]
    assert {key: fields["sizes"]["additionalProperties"][key] for key in INT} == INT
    assert fields["x"]["type"] == "number"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b'{"n": "1"}', "n: "),
        (b'{"n": true}', "n: "),
        (b'{"n": 9223372036854775808}', "n: "),
        (b'{"n": 1e400}', "no double can hold"),
        (b'{"n": 1, "x": -1e400}', "no double can hold"),
        (b'{"n": 1, "x": NaN}', "is not JSON"),
        (b'{"n": 1, "either": "\\ud800"}', "is not JSON"),
        (b'{"n": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[" * 300, "nests"),
        (b'{"n": 1,}', "is not JSON"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_run_on_this_machine_is_held_to_the_same(tree, tmp_path, capsys, monkeypatch, *, given, says):
    """One clear line and no traceback: what `saltern run` starts says it, here in this process."""
    source = tmp_path / "input.json"
    source.write_bytes(given)
    # It sets both for the processes that it would start.
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.setattr(sys, "path", [*sys.path])
    with importable(tree, "inputs_door"):
        assert dev.main([str(tree), "--once", "--input", str(source)]) == 1
    said = capsys.readouterr().err
    assert (says in said, "Traceback" in said) == (True, False), said
    assert len(said.splitlines()) <= 2


@pytest.mark.parametrize(("given", "says"), [(b'{"n": "1"}', "n: "), (b"\xff", "UTF-8")])
def test_the_command_line_says_the_same(tree, given, says):
    """One clear line, with exit code 1."""
    main = [sys.executable, "-c", "from saltern_compiler.cli import main; main()"]
    words = ["run", str(tree.parent / "inputs_door.saltern"), "--input", "-"]
    done = subprocess.run([*main, *words], input=given, capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert (done.returncode, says in said, "Traceback" in said) == (1, True, False), said
    assert len(said.splitlines()) <= 2
