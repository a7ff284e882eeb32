"""Runs that are started with a form: its files are stored as they come, its texts are of the input's types, bounds hold."""

import base64
import json
import socket

import anyio
import pytest

from saltern_runtime.files import CHUNK, File
from tests.support import files
from tests.support.until import until

pytestmark = pytest.mark.anyio
KIND = "multipart/form-data; boundary=XX"
END = b"--XX--\r\n"
PDF = File.of("a.pdf", b"%PDF")


def part(name, content=b"%PDF", filename=None, kind=None, more=""):
    """Write one part."""
    head = f'Content-Disposition: form-data; name="{name}"' + (
        f'; filename="{filename}"' if filename is not None else ""
    )
    head += (f"\r\nContent-Type: {kind}" if kind else "") + more
    content = content.encode() if isinstance(content, str) else content
    return b"--XX\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def doc(name="doc", content=b"%PDF", filename="a.pdf", kind="application/pdf"):
    return part(name, content, filename, kind)


@pytest.fixture
def post(client):
    """Start a run with parts; gives the answer."""

    async def post(*parts, kind=KIND, end=END, **headers):
        body = b"".join(parts) + end
        return await client.post("/runs", content=body, headers={"content-type": kind} | headers)

    return post


@pytest.fixture
def given(client):
    """Return the input of the run that was started."""

    async def given(answer):
        assert answer.status_code == 202, answer.text
        return (await client.get(answer.headers["location"])).json()["input"]

    return given


def refused(answer, status, code, pointer=None):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_form_with_files_and_texts(post, given, client, worker):
    """Each field is of its type; a run reads the bytes that came."""
    parts = [
        part("note", "5"),
        doc(),
        doc("docs", b"1", "1.txt", "text/plain"),
        doc("docs", b"2", "2"),
        part("count", "5"),
    ]
    started = await post(*parts)
    first, second = File.of("1.txt", b"1"), File.of("2", b"2", "application/pdf")
    assert await given(started) == {
        "note": "5",
        "count": 5,
        "doc": PDF.to_json(),
        "docs": [first.to_json(), second.to_json()],
    }
    run = await anyio.to_thread.run_sync(worker.finish, started.json()["id"], 20)
    assert run.output == {"doc": PDF.to_json(), "size": 4}
    assert (await client.get(f"/files/{first.sha256}")).content == b"1"


async def test_a_client_library_writes_forms_that_are_read(client, given):
    """As httpx does, names in any script included."""
    form = [("doc", ("Grüße 中.txt", b"a", "text/plain")), ("docs", ("b", b"", "text/x"))]
    run = await given(await client.post("/runs", files=form, data={"note": "Grüße"}))
    assert (run["doc"]["name"], run["docs"][0]["size"], run["note"]) == ("Grüße 中.txt", 0, "Grüße")


@pytest.mark.parametrize("filename", [None, "in.json"])
async def test_one_part_may_hold_all_that_is_no_file(post, given, filename):
    """The part `input` is JSON, with references or base64 for files too; a field may come as JSON as well."""
    whole = {"note": "a", "deep": {"doc": {"name": "a.pdf", "base64": base64.b64encode(b"%PDF").decode()}}}
    parts = [
        part("input", json.dumps(whole), filename, "application/json"),
        doc(),
        part("count", "7", None, "application/json"),
    ]
    assert await given(await post(*parts)) == {
        **whole,
        "deep": {"doc": PDF.to_json()},
        "doc": PDF.to_json(),
        "count": 7,
    }


async def test_a_reference_may_stand_in_a_text(post, given):
    """Of a file that was uploaded before, or that comes as base64."""
    await post(doc())
    for kind in (None, "application/json"):
        assert await given(await post(part("doc", json.dumps(PDF.to_json()), None, kind))) == {"doc": PDF.to_json()}


@pytest.mark.parametrize("count", [1, 2])
async def test_one_or_many(post, given, count):
    """Where a field takes a file or a list, one is one and two are a list."""
    run = await given(await post(*[doc("any_of")] * count))
    assert run == {"any_of": PDF.to_json() if count == 1 else [PDF.to_json()] * 2}


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ([doc("note")], "#/note"),
        ([doc("count")], "#/count"),
        ([doc("deep")], "#/deep"),
        ([doc("other")], "#/other"),
        ([doc("doc/../x~y")], "#/doc~1..~1x~0y"),
        ([doc(), doc()], "#/doc"),
        ([part("doc", "a text")], "#/doc"),
        ([part("docs", "a text")], "#/docs"),
        ([part("doc", "{")], "#/doc"),
        ([part("count", "five")], "#/count"),
        ([part("note", "a"), part("note", "b")], "#/note"),
        ([part("other", "a")], "#/other"),
        ([part("input", "a")], "#/input"),
        ([part("input", "[]", None, "application/json")], "#"),
        ([part("input", '{"note": "a"}', None, "application/json"), part("note", "a")], "#/note"),
        ([part("input", '{"note": "a"}', None, "application/json")] * 2, "#"),
        ([part("doc", json.dumps(PDF.to_json()) + " "), doc()], "#/doc"),
    ],
)
async def test_what_is_not_of_the_input_is_422(post, worker, parts, pointer):
    """With the place: a file that is none, a field that is one, what comes twice, what nobody knows."""
    refused(await post(*parts), 422, "invalid-request", pointer)
    assert worker.service.list("default").runs == ()


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        (doc(), "multipart/form-data", (400, "malformed-form")),
        (doc(), "multipart/form-data; boundary=", (400, "malformed-form")),
        (doc(), "multipart/form-data; boundary=" + "x" * 300, (400, "malformed-form")),
        (doc() + END, "multipart/form-data; boundary=YY", (400, "malformed-form")),
        (doc(), KIND, (400, "malformed-form")),
        (doc()[:-20], KIND, (400, "malformed-form")),
        (doc()[:20], KIND, (400, "malformed-form")),
        (b"", KIND, (400, "malformed-form")),
        (END, KIND, (400, "malformed-form")),
        (b"--XX\r\n\r\na\r\n" + END, KIND, (400, "malformed-form")),
        (b"--XX\r\nContent-Disposition: form-data\r\n\r\na\r\n" + END, KIND, (400, "malformed-form")),
        (part("note", b"\xff") + END, KIND, (400, "malformed-form")),
        (doc(filename="a" * CHUNK) + END, KIND, (400, "malformed-form")),
        (part("doc", "x", "a", None, f"\r\nX-More: {'a' * CHUNK}") + END, KIND, (400, "malformed-form")),
        (part("doc", "x", "a", None, "\r\nX: a" * 5000) + END, KIND, (400, "malformed-form")),
        (b"".join(part(f"f{n}", "") for n in range(10_000)) + END, KIND, (400, "too-many-fields")),
        (doc(kind="text/plain; é") + END, KIND, (400, "bad-media-type")),
        (part("note", "a" * 9000) + END, KIND, (413, "body-too-large")),
        (
            part("input", json.dumps({"note": "a" * 9000}), "in.json", "application/json") + END,
            KIND,
            (413, "body-too-large"),
        ),
        (doc() + END + b"x" * 9000, KIND, (413, "body-too-large")),
        (b"\r\n" * 9000 + doc() + END, KIND, (413, "body-too-large")),
        (doc(content=b"x" * (files.MAX_FILE + 1)) + END, KIND, (413, "file-too-large")),
        (doc() + END, KIND + "; charset=utf-16", (415, "unsupported-charset")),
        (b"note=a", "application/x-www-form-urlencoded", (415, "unsupported-media-type")),
    ],
)
async def test_hostile_forms_are_refused(client, worker, body, kind, problem):
    """Cut off, without end, too many, too large, of no charset: a problem each, and no run."""
    answer = await client.post("/runs", content=body, headers={"content-type": kind})
    refused(answer, *problem)
    assert worker.service.list("default").runs == ()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\\\..\\\\etc\\\\passwd", "/etc/passwd", "C:\\\\etc\\\\passwd", "pass\x01wd"]
)
async def test_names_of_parts_are_clean(post, given, name):
    """No folder, no control character."""
    assert (await given(await post(doc(filename=name))))["doc"]["name"] == "passwd"


async def test_a_name_that_ends_a_header_is_one_of_two(post):
    """A line break in a name is the next header: it does not stand in the name."""
    answer = await post(doc(filename='a"\r\nX-Injected: "b'))
    assert answer.status_code == 202, answer.text
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize(
    ("given_", "pointer"),
    [
        ({"name": "a", "base64": "?"}, "#/doc"),
        ({"name": "a", "base64": "YQ"}, "#/doc"),
        ({"name": "a", "base64": "YQ==\n"}, "#/doc"),
        ({"name": "a", "base64": 5}, "#/doc"),
        ({"name": "a/b", "base64": "YQ=="}, "#/doc/name"),
        ({"name": "a", "base64": "YQ==", "size": 1}, "#/doc"),
        (PDF.to_json() | {"size": True}, "#/doc/size"),
        (PDF.to_json() | {"size": "4"}, "#/doc/size"),
        (PDF.to_json() | {"size": 4.5}, "#/doc/size"),
        (PDF.to_json() | {"size": -1}, "#/doc/size"),
        (PDF.to_json() | {"sha256": "A" * 64}, "#/doc/sha256"),
        (PDF.to_json() | {"name": "../a"}, "#/doc/name"),
        (PDF.to_json() | {"media_type": "a\r\nb: c/d"}, "#/doc/media_type"),
        (PDF.to_json() | {"more": 1}, "#/doc/more"),
        ("a.pdf", "#/doc"),
    ],
)
async def test_what_is_no_file_is_422(client, worker, given_, pointer):
    """As JSON: with the place, and no run."""
    await client.post("/files", content=b"%PDF")
    refused(await client.post("/runs", json={"doc": given_}), 422, "invalid-request", pointer)
    assert worker.service.list("default").runs == ()


async def test_json_takes_references_and_base64(client, given):
    """A size of 4.0 is 4, as for every int."""
    await client.post("/files", content=b"%PDF")
    inline = {"name": "a.pdf", "base64": base64.b64encode(b"%PDF").decode()}
    for one in (PDF.to_json(), PDF.to_json() | {"size": 4.0}, inline):
        assert await given(await client.post("/runs", json={"doc": one})) == {"doc": PDF.to_json()}


async def test_unknown_references_are_422(client, worker):
    """Of no file, and of one with another size: the place of each."""
    await client.post("/files", content=b"%PDF")
    bad = PDF.to_json() | {"size": 5}, PDF.to_json() | {"sha256": "0" * 64}
    answer = await client.post(
        "/runs", json={"deep": {"doc": bad[0]}, "docs": [PDF.to_json(), bad[1]], "doc": PDF.to_json()}
    )
    refused(answer, 422, "unknown-file")
    assert sorted(each["pointer"] for each in answer.json()["errors"]) == ["#/deep/doc", "#/docs/1"]
    assert worker.service.list("default").runs == ()


async def test_a_repeat_of_a_form_is_one_run(post):
    """The same key with the same form answers with the first run; with another file, 422."""
    first = await post(doc(), **{"idempotency-key": "k"})
    again = await post(doc(), **{"idempotency-key": "k"})
    assert again.json() == {**first.json(), "created": False}
    refused(await post(doc(content=b"other"), **{"idempotency-key": "k"}), 422, "idempotency-key-reused")


async def test_no_token_no_form(app, connect, payloads):
    """Nothing is read before the guard."""
    async with connect(app, None) as nobody:
        answer = await nobody.post("/runs", content=doc() + END, headers={"content-type": KIND})
    refused(answer, 401, "token-missing")
    assert payloads() == 0


async def test_the_document_says_how_files_come(app):
    """Both ways to start a run, the forms of a file, the routes of files; each operation has its own name."""
    document = app.openapi()
    content = document["paths"]["/runs"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Input"}
    fields = content["multipart/form-data"]["schema"]["properties"]
    binary = {"type": "string", "format": "binary"}
    assert (fields["doc"], fields["docs"]) == (binary, {"type": "array", "items": binary})
    assert fields["any_of"] == {"anyOf": [binary, {"type": "array", "items": binary}]}
    assert (fields["note"]["type"], fields["count"]["type"]) == ("string", "integer")
    assert fields["deep"] == {"type": "string", "contentMediaType": "application/json"}
    schemas = document["components"]["schemas"]
    whole, inline = schemas["File-Input"]["anyOf"]
    assert set(whole["properties"]) == {"name", "media_type", "size", "sha256"}
    assert whole["properties"]["size"]["minimum"] == schemas["File-Output"]["properties"]["size"]["minimum"] == 0
    assert inline["required"] == ["base64"]
    assert "anyOf" not in schemas["File-Output"]
    assert {*document["paths"]["/files"], *document["paths"]["/files/{sha256}"]} == {"post", "get"}
    ids = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(ids) == len(set(ids))


def test_a_form_in_flat_memory(serve):
    """A file of a form is never whole in memory, nor on a disk."""
    size = 64 * CHUNK
    head = b'--XX\r\nContent-Disposition: form-data; name="doc"; filename="a"\r\n\r\n'

    def body():
        yield head
        for _ in range(size // CHUNK):
            yield b"\r\n--XY" * (CHUNK // 6) + b"\r\n--"
        yield b"\r\n" + END

    with serve() as (process, client):
        warm = client.post("/runs", content=head + b"a\r\n" + END, headers={"content-type": KIND})
        assert warm.status_code == 202, warm.text
        before = process.peak()
        started = client.post("/runs", content=body(), headers={"content-type": KIND})
        assert started.status_code == 202, started.text
        file = client.get(started.headers["location"]).json()["input"]["doc"]
        assert file["size"] > size - 5 * 64
        assert process.peak() - before < 48 * CHUNK


def test_a_form_whose_client_dies_leaves_nothing(serve, keyring, redis_client, pipeline):
    """What came of its file is gone, and there is no run."""

    def payloads():
        return len(redis_client.keys(f"*{pipeline}*payload:*"))

    with serve() as (process, client):
        sock = socket.create_connection(("127.0.0.1", process.port))
        lines = ["POST /runs HTTP/1.1", "Host: a", f"Content-Type: {KIND}", "Content-Length: 9000000"]
        lines += [f"{key}: {value}" for key, value in files.bearer(keyring).items()]
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + doc(content=b"x" * 2 * CHUNK)[:-2])
        assert until(payloads)
        sock.close()
        assert until(lambda: payloads() == 0)
        assert client.get("/runs").json()["runs"] == []
