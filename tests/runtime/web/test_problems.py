"""Every error is a problem (RFC 9457), and bad input breaks nothing."""

import json

import pytest

from saltern_runtime.errors import RunDroppedError
from saltern_runtime.jsontext import MAX_DEPTH

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}


def check(answer, status, code):
    """Hold an answer to be a problem of that status and code."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem | {"status": status, "code": code, "type": f"urn:saltern:problem:{code}"} == problem
    assert problem["title"]
    return problem


async def test_a_run_in_the_way(client, service):
    """A request that makes no run, since one of its group goes on, is a 409 that names it."""
    service.broken = RunDroppedError("0-first")
    problem = check(await client.post("/runs", json={"id": "a"}), 409, "run-dropped")
    assert problem["run"] == "0-first"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b" ",
        b"\xff",
        b"{'id': 'a'}",
        b'{"id": NaN}',
        b'{"id": "a"} x',
        b"\xef\xbb\xbf{}",
        b'{"id": "\\ud800"}',
        b'{"id": "\xed\xa0\x80"}',
        b'{"id": "a", "count": 1e400}',
    ],
)
async def test_malformed_json_is_refused(client, service, body):
    """What is not JSON (or holds half a surrogate pair, or an endless number) is a 400 and starts nothing."""
    answer = await client.post("/runs", content=body, headers=JSON)
    if body == b"":
        check(answer, 422, "invalid-request")
    else:
        check(answer, 400, "malformed-json")
    assert not service.runs


async def test_a_nul_character_is_text(client, service):
    """A NUL in a string arrives as it was sent."""
    answer = await client.post("/runs", content=b'{"id": "a\\u0000b"}', headers=JSON)
    assert service.runs[answer.json()["id"]].input == {"id": "a\x00b"}


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 300, 900])
@pytest.mark.parametrize("parts", [(b"[", b"1", b"]"), (b'{"a":', b"1", b"}")])
async def test_deep_nesting_is_refused(client, parts, depth):
    """Arrays or objects inside each other beyond the limit are a 400, whatever the reader's own limit."""
    body = parts[0] * depth + parts[1] + parts[2] * depth
    check(await client.post("/runs", content=body, headers=JSON), 400, "nested-too-deeply")


async def test_wrong_types_are_listed_all_at_once(client):
    """A body that is not what the pipeline takes is a 422 that points at each fault and repeats nothing of it."""
    answer = await client.post("/runs", json={"count": "many", "a/b~c": "private"})
    problem = check(answer, 422, "invalid-request")
    assert {each["pointer"] for each in problem["errors"]} == {"#/id", "#/count", "#/a~1b~0c"}
    assert "private" not in answer.text
    assert "many" not in answer.text


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "5", "{}"])
async def test_other_json_is_refused(client, service, body):
    """JSON that is no object of the input's shape is a 422."""
    check(await client.post("/runs", content=body, headers=JSON), 422, "invalid-request")
    assert not service.runs


async def test_many_faults_are_cut_off(client):
    """However many faults a body has, the answer stays small."""
    problem = check(await client.post("/runs", json={f"f{n}": 1 for n in range(150)}), 422, "invalid-request")
    assert len(problem["errors"]) == 100
    assert problem["detail"].startswith("151 ")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Type": "text/plain"}, "unsupported-media-type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "unsupported-media-type"),
        ({"Content-Type": "application/xml+jsonx"}, "unsupported-media-type"),
        ({}, "unsupported-media-type"),
        ({"Content-Type": "application/json; charset=latin-1"}, "unsupported-charset"),
        ({**JSON, "Content-Encoding": "gzip"}, "unsupported-encoding"),
    ],
)
async def test_other_media_types_are_refused(client, headers, code):
    """A body is JSON in UTF-8, said to be so and not compressed."""
    check(await client.post("/runs", content=b'{"id": "a"}', headers=headers), 415, code)


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; charset=UTF-8", "application/vnd.greet+json"])
async def test_json_media_types_are_taken(client, kind):
    """Parameters, case and +json suffixes do not matter."""
    answer = await client.post("/runs", content=b'{"id": "a"}', headers={"Content-Type": kind})
    assert answer.status_code == 202


async def test_a_large_body_is_refused(client, service):
    """A body over the limit is a 413 that names it."""
    problem = check(await client.post("/runs", json={"id": "x" * 9000}), 413, "body-too-large")
    assert problem["limit"] == 8000
    assert not service.runs


async def test_a_large_chunked_body_is_refused_while_it_streams(client):
    """Without a Content-Length the limit holds as well, and what comes after it is not kept."""

    async def endless():
        for _ in range(100):
            yield b" " * 1000

    check(await client.post("/runs", content=endless(), headers=JSON), 413, "body-too-large")


async def test_a_body_of_exactly_the_limit_is_taken(client):
    """The limit itself is allowed."""
    body = json.dumps({"id": "a"}).encode().ljust(8000)
    assert (await client.post("/runs", content=body, headers=JSON)).status_code == 202


async def test_unknown_paths_are_404(client):
    """A path that is not there is a problem too."""
    check(await client.get("/nope"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/runs", "GET, POST"),
        ("PUT", "/runs/x", "GET"),
        ("GET", "/hooks/greet", "POST"),
        ("POST", "/healthz", "GET"),
    ],
)
async def test_other_methods_are_405(client, method, path, allow):
    """A method that a path does not have is a problem that names all it has."""
    answer = await client.request(method, path)
    check(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allow


async def test_a_bug_is_500_without_its_details(client, service, caplog):
    """What nobody expected is logged under the instance that the client sees, and tells the client nothing else."""
    service.broken = ZeroDivisionError("secret inside")
    answer = await client.get("/runs/x")
    problem = check(answer, 500, "internal")
    assert "secret inside" not in answer.text
    assert problem["instance"] in caplog.text


async def test_a_bug_while_starting_is_500(client, service):
    """A start that breaks is a problem as well."""
    service.broken = RuntimeError("x")
    check(await client.post("/runs", json={"id": "a"}), 500, "internal")
