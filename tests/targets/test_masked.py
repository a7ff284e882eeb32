"""A generated service knows where its input holds secrets, and where that of the pipelines that it starts does."""

import json
from importlib import resources

import pytest
from starlette.testclient import TestClient

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.masking import MASK, PERSONAL
from saltern_runtime.settings import Settings
from saltern_runtime.web import tokens
from saltern_runtime.web.backend import Backend
from saltern_runtime.web.models import run_json
from tests.support.built import importable
from tests.support.once import finish_all
from tests.support.until import until

MAIN = """pipeline masks

input { token: string @secret, people: list<{ pin: string @secret, age: int }>, plain: string }
output { same: bool, run: string }

use other = "./other.saltern"

same = python.call { function: "own:same", args: { one: input.token, other: input.people[0].pin } }
started = start other { key: input.token, plain: input.plain }
return { same: same, run: started }
"""
OTHER = """pipeline other

input { key: string @secret, plain: string }
output { size: int }

return { size: declassify(size(input.key), "a length opens nothing") }
"""
OWN = """from typing import Annotated


def same(one: str, other: str) -> Annotated[bool, "declassify: whether two are one tells neither"]:
    return one == other
"""


def test_a_run_shows_no_secret(tmp_path, redis_url) -> None:
    """Neither its own input nor that of a run that it started; the run itself reads them, and all else is shown."""
    result = compile_source(MAIN, source_name="masks.saltern", files={"other.saltern": OTHER, "own.py": OWN})
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    given = {"token": "SECRET1", "people": [{"pin": "SECRET1", "age": 7}], "plain": "shown"}
    with importable(tmp_path / "tree", "masks") as load:
        graph = load("graph").GRAPH
        with in_one_process(graph, redis_url=redis_url) as opened:
            opened.service.start(given, tenant="local", trigger="run")
            views = finish_all(opened, "local")
    shown = {view.pipeline: run_json(view, graph.hidden(view.pipeline)) for view in views}
    assert shown["masks"]["input"] == {"token": MASK, "people": [{"pin": MASK, "age": 7}], "plain": "shown"}
    assert shown["other"]["input"] == {"key": MASK, "plain": "shown"}
    assert "SECRET1" not in json.dumps(shown)
    assert shown["masks"]["output"]["same"] is True
    assert shown["other"]["output"] == {"size": 7}


def test_models_and_the_source_map_say_it(tmp_path) -> None:
    """The JSON Schema of the input marks both labels; the source map lists what is declassified, with where and why."""
    text = MAIN.replace("plain: string }", "plain: string @personal @secret }")
    files = {"other.saltern": OTHER.replace("plain: string", "plain: string @secret"), "own.py": OWN}
    result = compile_source(text, source_name="masks.saltern", files=files)
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "masks") as load:
        schema = load("models").Input.model_json_schema()
    assert schema["properties"]["token"]["x-saltern-secret"] is True
    assert schema["properties"]["plain"] == {
        "title": "Plain", "type": "string", "x-saltern-personal": True, "x-saltern-secret": True,
    }  # fmt: skip
    told = json.loads(result.artifacts["masks/source_map.json"])["declassified"]
    assert [(each["node"], each["because"], each["labels"], each["of"]) for each in told] == [
        ("same", "whether two are one tells neither", ["secret"], ["input.people[].pin", "input.token"]),
        ("return", "a length opens nothing", ["secret"], ["input.key"]),
    ]
    assert told[1]["source"] == "other.saltern"


FAILS = """pipeline fails
input { key: string @secret, pins: map<string> @secret, plain: string }
a = set { value: int(input.key) }
b = set { value: input.pins["none"] }
c = python.call { function: "own:told", args: { key: input.key } }
d = try { e = set { value: int(input.key) }  yield e } catch err { yield err.message }
"""
TELLS = """def told(key: str) -> int:
    raise ValueError(f"nothing opens with {key!r}")
"""


@pytest.mark.parametrize("node", ["a", "b", "c", "d"])
def test_a_failure_repeats_no_secret(tmp_path, redis_url, caplog, node) -> None:
    """Of an expression, of own code, of one that is caught: not in the run, its nodes, its events, its output or the log."""
    head = FAILS.splitlines()[:2]
    (line,) = [line for line in FAILS.splitlines() if line.startswith(f"{node} =")]
    text = "\n".join([*head, line, f'return {{ {node}: declassify({node}, "for the test") }}']) + "\n"
    result = compile_source(text, source_name="fails.saltern", files={"own.py": TELLS})
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    given = {"key": "SE'CRET\n1", "pins": {"one": "SECRET2"}, "plain": "shown"}
    with (
        importable(tmp_path / "tree", "fails") as load,
        in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened,
    ):
        graph = load("graph").GRAPH
        run_id = opened.service.start(given, tenant=node, trigger="run").run_id
        (view,) = finish_all(opened, node)
        events = opened.service.reader.events(run_id, "0-0", 0.0, 500)
        page = opened.service.list(node)
    shown = json.dumps([run_json(view, graph.hidden("fails")), str(events), str(page), caplog.text])
    assert "CRET" not in shown
    if node != "b":
        assert MASK in str(view)
    assert (view.state == "SUCCEEDED") == (node == "d")


RECEIVES = """pipeline receives
input { plain: string }
got = receive { payload: type { keys: list<{ key: string @secret, name: string }>, plain: string } }
told = python.call { function: "own:told", args: { key: got.keys[0].key } }
each = foreach one in got.keys { yield int(one.key) }
return { told: told, each: declassify(each, "for the test") }
"""


@pytest.mark.parametrize("left_out", ["told", "each"])
def test_a_failure_repeats_no_secret_of_an_answer(tmp_path, redis_url, caplog, left_out) -> None:
    """What a program sent as a secret stands in no message either: of own code, of an expression about an item."""
    lines = [line for line in RECEIVES.splitlines() if not line.startswith((f"{left_out} =", "return"))]
    result = compile_source(
        "\n".join([*lines, "return 1 after got\n"]), source_name="receives.saltern", files={"own.py": TELLS}
    )
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    answer = {"keys": [{"key": "TOPSECRET", "name": "n"}], "plain": "shown"}
    with (
        importable(tmp_path / "tree", "receives") as load,
        in_one_process(load("graph").GRAPH, redis_url=redis_url) as opened,
    ):
        run_id = opened.service.start({"plain": "x"}, tenant="local", trigger="run").run_id
        until(lambda: not opened.step() and bool(opened.service.wait(run_id, 0).awaits))
        opened.service.answer(run_id, "got", answer)
        view = opened.finish(run_id, 20)
        events = opened.service.reader.events(run_id, "0-0", 0.0, 500)
    assert (view.state, "SECRET" in json.dumps([run_json(view), str(events), caplog.text])) == ("FAILED", False)
    assert MASK in str(view.failure)


ASKS = """pipeline asks_for_secrets
input { text: string }
output { ok: bool }
on api
asked = approval {
  ask: input.text
  choices: ["yes", "no"]
  fields: type { pin: string @secret, keys: list<{ key: int @secret, "of": string }>, note: string }
}
sent = receive {
  payload: type { login: { user: string, code: "red" | "blue" @secret }, other: { token: string } @secret, pins?: map<string> @secret, plain: int }
}
return { ok: asked.decision == "yes" } after sent
"""
RIGHT = {"login": {"user": "ann", "code": "red"}, "other": {"token": "topsecret"}, "plain": 3}


@pytest.fixture
def asking(tmp_path, redis_url):
    """A client of a service whose run waits, and what answers it: `answer(path, body, by)`; `look` shows what stands behind the link."""
    result = compile_source(ASKS, source_name="asks.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    settings, (token, entry) = Settings(redis_url=redis_url), tokens.new("local")
    with importable(tmp_path / "tree", "asks_for_secrets") as load:
        graph, app = load("graph").GRAPH, load("api").create_app(settings)
        with in_one_process(graph, redis_url=redis_url, settings=settings) as worker:
            app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(str(entry)))}
            client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
            url = client.post("/runs", json={"text": "?"}).json()["url"]
            until(lambda: not worker.step() and len(client.get(url).json()["awaits"]) == 2)
            links = {each["path"]: each["url"] for each in client.get(url).json()["awaits"]}

            def answer(path, body, by):
                if by == "look":
                    return client.get(links[path])
                if by == "link":
                    return client.post(links[path], json=body)
                return client.post(f"{url}/answers", json={"path": path, "answer": body})

            yield answer


@pytest.mark.parametrize("by", ["token", "link"])
@pytest.mark.parametrize(
    ("path", "body", "places"),
    [
        ("asked", {"decision": "yes", "fields": {"pin": 741852, "keys": [], "note": "n"}}, {"#/fields/pin"}),
        ("asked", {"decision": "yes", "fields": "topsecret"}, {"#/fields"}),
        (
            "asked",
            {"decision": "yes", "fields": {"pin": "x", "keys": [{"key": "topsecret", "of": "a"}], "note": "n"}},
            {"#/fields/keys/0/key"},
        ),
        ("asked", {"decision": "yes", "fields": {"pin": "x", "keys": [], "note": "n", "topsecret": 1}}, {"#/fields"}),
        ("sent", "topsecret", {"#"}),
        ("sent", RIGHT | {"login": ["topsecret"]}, {"#/login"}),
        ("sent", RIGHT | {"login": {"user": "ann", "code": "topsecret"}}, {"#/login/code"}),
        ("sent", RIGHT | {"other": {"token": ["topsecret"]}}, {"#/other"}),
        ("sent", RIGHT | {"other": {"token": "t", "topsecret": 741852}}, {"#/other"}),
        ("sent", RIGHT | {"pins": {"topsecret": 741852}}, {"#/pins"}),
    ],
)
def test_a_refusal_repeats_no_secret(asking, by, path, body, places):
    """A 422 says where an answer is wrong and what belongs there, and not a word of what was sent, above a secret or inside of one."""
    refused = asking(path, body, by)
    assert (refused.status_code, refused.json()["code"]) == (422, "answer-refused")
    assert {each["pointer"] for each in refused.json()["errors"]} == places
    assert "topsecret" not in refused.text
    assert "741852" not in refused.text


def test_what_is_wrong_elsewhere_is_said(asking):
    """Beside secrets a refusal says what was sent, and which field is missing."""
    refused = asking("sent", {"login": RIGHT["login"], "plain": "three"}, "token").json()["errors"]
    assert {each["detail"] for each in refused} == {
        "'three' is not of type 'integer'",
        "'other' is a required property",
    }


def test_a_second_decision_hears_no_secret_of_the_first(asking):
    """A 409 says what was decided first, but for what was filled in as a secret."""
    fields = {"pin": "topsecret", "keys": [{"key": 741852, "of": "a"}], "note": "shown"}
    assert asking("asked", {"decision": "yes", "fields": fields}, "token").status_code == 202
    again = asking("asked", {"decision": "no"}, "link")
    assert (again.status_code, again.json()["code"]) == (409, "decided-already")
    first = again.json()["first"]
    assert first["fields"] == {"pin": MASK, "keys": [{"key": MASK, "of": "a"}], "note": "shown"}
    assert (first["decision"], "741852" in again.text) == ("yes", False)
    assert asking("asked", None, "look").json()["decision"] == first


SHOWS = """pipeline shows
input { name: string @personal, kind: "guest" | "staff" @personal }
output { hello: string, kind: "guest" | "staff", plain: int }
on api
return { hello: `Hello, {{ input.name }}`, kind: input.kind, plain: 1234 }
"""


def test_a_page_asks_for_less_than_the_caller_gets(tmp_path, redis_url):
    """The output is whole for who started the run, and masked where `masked` is asked for, as its page does; a word of a list is shown."""
    result = compile_source(SHOWS, source_name="shows.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    settings, (token, entry) = Settings(redis_url=redis_url), tokens.new("local")
    with importable(tmp_path / "tree", "shows") as load:
        graph, app = load("graph").GRAPH, load("api").create_app(settings)
        with in_one_process(graph, redis_url=redis_url, settings=settings) as worker:
            app.state.saltern_backends = {graph.name: Backend(worker.service, settings, tokens.read(str(entry)))}
            client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
            started = client.post("/runs", json={"name": "Quetzal", "kind": "staff"}).json()
            worker.finish(started["id"], 20)
            whole, less = (client.get(started["url"] + query).json() for query in ("", "?masked=true"))
    assert whole["output"] == {"hello": "Hello, Quetzal", "kind": "staff", "plain": 1234}
    assert less["output"] == {"hello": PERSONAL, "kind": "staff", "plain": 1234}
    assert whole["input"] == less["input"] == {"name": PERSONAL, "kind": PERSONAL}
    page = resources.files("saltern_runtime.web").joinpath("page.html").read_text("utf-8")
    assert "encodeURIComponent(id)}?masked=true" in page
