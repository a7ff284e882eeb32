"""Files at the API: put into the store as they come, given back to their tenant alone, never run by a browser."""

import hashlib
import http.client
import json
import socket
from dataclasses import replace
from urllib.parse import quote

import anyio
import httpx
import pytest
from fastapi import FastAPI, Response

from saltern_runtime.files import CHUNK, File
from saltern_runtime.graph import GraphError
from saltern_runtime.web import Delivery, PipelineRouter, tokens
from saltern_runtime.web.backend import Backend
from tests.support import files
from tests.support.effort import LONG
from tests.support.until import until

pytestmark = pytest.mark.anyio


async def put(client, content=b"text", name="a.txt", **headers):
    return await client.post(
        "/files", params={"name": name}, content=content, headers={"content-type": "text/plain"} | headers
    )


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 5])
async def test_a_file_goes_in_and_comes_out(client, size):
    """Its reference says what it is; its address gives the same bytes."""
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    stored = await put(client, content)
    assert stored.status_code == 201, stored.text
    assert stored.json() == File.of("a.txt", content).to_json()
    given = await client.get(stored.headers["location"])
    assert (given.status_code, given.content) == (200, content)
    assert given.headers["content-length"] == str(size)
    assert given.headers["content-type"] == "text/plain"
    seen = await client.head(stored.headers["location"])
    assert (seen.status_code, seen.content, seen.headers["content-length"]) == (200, b"", str(size))


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ({"name": "../../etc/passwd"}, "passwd"),
        ({"name": "C:\\temp\\a.pdf"}, "a.pdf"),
        ({"name": "a\r\nSet-Cookie: b\x00.txt"}, "aSet-Cookie: b.txt"),
        ({"name": "Grüße 中.txt"}, "Grüße 中.txt"),
        ({"name": "\u202egnp.exe"}, "gnp.exe"),
        ({"name": "x" * 900}, "x" * 255),
        ({"name": "/"}, "file"),
        ({}, "file"),
        ({"disposition": 'attachment; filename="a b.txt"'}, "a b.txt"),
        ({"disposition": "attachment; filename=\"no.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"}, "Grüße.txt"),
        ({"disposition": "attachment; filename*=UTF-8''a%0D%0ASet-Cookie:%20b.txt"}, "aSet-Cookie: b.txt"),
        ({"disposition": "attachment; filename*=UTF-8''..%2F..%2Fa.txt"}, "a.txt"),
        ({"disposition": "attachment; filename*=klingon''a.txt"}, "a.txt"),
        ({"disposition": "attachment; filename*=UTF-8''%FF%FE.txt"}, "ÿþ.txt"),
        ({"disposition": 'attachment; filename="Grüße.txt"'}, "Grüße.txt"),
        ({"disposition": ";;;=;filename"}, "file"),
    ],
)
async def test_names_are_clean(client, given, called):
    """Whatever somebody calls a file: no folder, no control character, and it stands in one header line on its way out."""
    params = {"name": given["name"]} if "name" in given else {}
    headers = {"content-disposition": given["disposition"].encode()} if "disposition" in given else {}
    stored = await client.post("/files", params=params, content=b"x" + called.encode(), headers=headers)
    assert (stored.status_code, stored.json()["name"]) == (201, called)
    out = (await client.get(stored.headers["location"])).headers
    assert out["content-disposition"].endswith(f"filename*=UTF-8''{quote(called, safe='')}")
    assert out["content-disposition"].isascii()
    assert "set-cookie" not in out


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/html; charset=utf-7", "application/xhtml+xml"])
async def test_nothing_is_run_by_a_browser(client, kind):
    """What a page could be is saved, not shown: an attachment, of the type that was said, in a sandbox, without sniffing."""
    stored = await put(client, b"<script>alert(1)</script>" + kind.encode(), "a.html", **{"content-type": kind})
    out = (await client.get(stored.headers["location"])).headers
    assert out["content-type"] == kind
    assert out["content-disposition"].startswith('attachment; filename="a.html"')
    assert out["x-content-type-options"] == "nosniff"
    assert out["content-security-policy"] == "sandbox; default-src 'none'"
    assert out["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("kind", ["text", "text/", "a/b/c", "text/plain; a=é", "/", "text/plain\t;", "x" * 200 + "/a"])
async def test_what_is_no_media_type_is_refused(client, kind, payloads):
    """Before anything is stored."""
    answer = await put(client, **{"content-type": kind.encode()})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-media-type")
    assert payloads() == 0


async def test_without_a_media_type_the_name_says_it(client):
    """As its end does."""
    answer = await client.post("/files", params={"name": "a.pdf"}, content=b"x")
    assert answer.json()["media_type"] == "application/pdf"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-type": "multipart/form-data; boundary=x"}, "unsupported-media-type"),
        ({"content-encoding": "gzip"}, "unsupported-encoding"),
    ],
)
async def test_a_form_or_a_packed_body_is_no_file(client, headers, code, payloads):
    """The mistake is named, and nothing is stored."""
    answer = await put(client, **headers)
    assert (answer.status_code, answer.json()["code"]) == (415, code)
    assert payloads() == 0


@pytest.mark.parametrize("said", [True, False])
async def test_a_file_may_not_be_larger_than_the_limit(client, said, payloads):
    """By Content-Length before a byte is stored, and as it comes where nothing says its length."""

    async def chunks():
        for _ in range(8):
            yield b"x" * (CHUNK // 2)

    answer = await put(client, b"x" * (4 * CHUNK) if said else chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "file-too-large")
    assert payloads() == 0
    assert (await put(client, b"x" * files.MAX_FILE)).status_code == 201


async def test_a_length_that_is_wrong_stores_nothing(client, payloads):
    """Where the server lets it through."""

    async def chunks():
        yield b"four"

    answer = await put(client, chunks(), **{"content-length": "5"})
    assert (answer.status_code, answer.json()["code"]) == (400, "body-cut")
    assert payloads() == 0


@pytest.mark.parametrize("digest", ["0" * 64, "x", "..", "0" * 63, "A" * 64, "%00" * 64, "0" * 5000, "*"])
async def test_unknown_digests_are_404(client, digest):
    """Digests that nobody stored, and what is none."""
    await put(client)
    answer = await client.get(f"/files/{digest}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_tenants_file_is_404(client, app, connect):
    """A digest is no key; neither is the reference in an input."""
    stored = await put(client)
    async with connect(app, "other") as other, connect(app, None) as nobody:
        answer = await other.get(stored.headers["location"])
        assert (answer.status_code, answer.json()["code"]) == (404, "file-not-found")
        answer = await other.post("/runs", json={"doc": stored.json()})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown-file")
        assert answer.json()["errors"][0]["pointer"] == "#/doc"
        for method, path in (
            ("GET", stored.headers["location"]),
            ("HEAD", stored.headers["location"]),
            ("POST", "/files"),
        ):
            assert (await nobody.request(method, path)).status_code == 401


@pytest.mark.parametrize(
    ("span", "status", "content"),
    [
        ("bytes=0-0", 206, b"0"),
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-99", 206, b"0123456789"),
        ("bytes=5-999", 206, b"56789"),
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        (f"bytes={'9' * 30}-", 200, b"0123456789"),
    ],
)
async def test_one_range_is_given(client, span, status, content):
    """What is no range, or more than one, gives all; what is behind the end is a 416."""
    at = (await put(client, b"0123456789")).headers["location"]
    answer = await client.get(at, headers={"range": span})
    assert answer.status_code == status
    if content is None:
        assert answer.headers["content-range"] == "bytes */10"
    else:
        assert (answer.content, answer.headers["content-length"]) == (content, str(len(content)))
        assert ("content-range" in answer.headers) == (status == 206)
    assert (await client.get(at, headers={"range": span, "if-range": '"other"'})).content == b"0123456789"


async def test_a_range_across_parts(client):
    """Of a file that lies in several."""
    content = bytes(n % 251 for n in range(2 * CHUNK + 100))
    at = (await put(client, content)).headers["location"]
    answer = await client.get(at, headers={"range": f"bytes={CHUNK - 5}-{CHUNK + 4}"})
    assert answer.content == content[CHUNK - 5 : CHUNK + 5]


@pytest.mark.parametrize(
    ("given", "status"), [("{0}", 304), ("W/{0}", 304), ('"a", {0}', 304), ("*", 304), ('"a"', 200)]
)
async def test_what_is_known_is_not_sent_again(client, given, status):
    """Its ETag is its digest."""
    stored = await put(client)
    etag = f'"{stored.json()["sha256"]}"'
    answer = await client.get(stored.headers["location"], headers={"if-none-match": given.format(etag)})
    assert (answer.status_code, answer.headers["etag"]) == (status, etag)


async def test_bytes_that_are_gone_are_404(client, worker, redis_client):
    """Where what is known of a file outlived them."""
    at = (await put(client)).headers["location"]
    redis_client.delete(*redis_client.keys(f"*{worker.service.graph.name}*payload:*"))
    assert (await client.get(at)).status_code == 404


async def test_a_file_that_no_run_takes_expires(app, connect, worker, settings):
    """After its time; a run takes it for as long as the run is kept."""
    brief = replace(settings, upload_keep=0.5)
    app.state.saltern_backends[worker.service.graph.name].settings = brief
    async with connect(app) as client:
        lost, taken = (await put(client, b"lost")).json(), (await put(client, b"taken")).json()
        started = await client.post("/runs", json={"doc": taken})
        assert started.status_code == 202, started.text
        shelf = worker.service.shelf
        assert await anyio.to_thread.run_sync(until, lambda: shelf.find("default", lost["sha256"]) is None)
        assert (await client.get(f"/files/{lost['sha256']}")).status_code == 404
        assert (await client.get(f"/files/{taken['sha256']}")).content == b"taken"
        assert (await client.post("/runs", json={"doc": lost})).json()["code"] == "unknown-file"


async def test_only_pipelines_with_files_have_the_routes(app, router):
    """Where neither input nor output has one, there is nothing to call."""
    assert "/files" in app.openapi()["paths"]
    assert not [route for route in router.routes if "/files" in getattr(route, "path", "")]


@pytest.mark.parametrize("first", [True, False])
async def test_a_webhook_where_files_are_put_is_refused(worker, first):
    """At import, whichever comes first."""
    made = PipelineRouter(worker.service.graph, output=files.Output if first else str)
    with pytest.raises(GraphError, match="/files"):

        @made.webhook("/files", signature="none")
        async def receive(body: files.Input, deliver: Delivery) -> Response:
            return await deliver(body)


async def test_files_work_wherever_the_router_stands(worker, settings, connect):
    """Under any prefix, their address leads to them."""
    outer = FastAPI()
    outer.include_router(files.router(worker.service.graph), prefix="/x/y")
    entries = tokens.read(settings.api_tokens)
    outer.state.saltern_backends = {worker.service.graph.name: Backend(worker.service, settings, entries)}
    async with connect(outer) as client:
        stored = await client.post("/x/y/files", content=b"text")
        assert stored.headers["location"].startswith("/x/y/files/")
        assert (await client.get(stored.headers["location"])).content == b"text"


def begin(process, keyring, *lines, body=b""):
    """Send the beginning of a request."""
    sock = socket.create_connection(("127.0.0.1", process.port), timeout=30)
    head = [*lines, "Host: a", f"Authorization: {files.bearer(keyring)['Authorization']}"]
    sock.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
    return sock


def test_who_breaks_off_leaves_nothing(serve, keyring, redis_client, pipeline):
    """A client that goes away in the middle, with or without a length; one that says more than it sends."""

    def payloads():
        return len(redis_client.keys(f"*{pipeline}*payload:*"))

    with serve() as (process, client):
        for lines, body in (
            (("POST /files HTTP/1.1", "Content-Length: 5000000"), b"x" * 2_000_000),
            (("POST /files HTTP/1.1", "Transfer-Encoding: chunked"), b"200000\r\n" + b"x" * 0x200000 + b"\r\n"),
        ):
            sock = begin(process, keyring, *lines, body=body)
            assert until(payloads), "the first part was stored while the rest was to come"
            sock.close()
            assert until(lambda: payloads() == 0)
        assert client.post("/files", content=b"x").status_code == 201


def test_a_length_that_says_too_much_is_refused_before_the_body(serve, keyring):
    """Nothing of it need be sent."""
    with serve(max_file=1000) as (process, _):
        sock = begin(process, keyring, "POST /files HTTP/1.1", "Content-Length: 1001", body=b"x" * 1001)
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        assert (answer.status, json.load(answer)["code"]) == (413, "file-too-large")
        sock.close()


def test_who_waits_to_be_told_to_send_is_not(serve, keyring):
    """`Expect: 100-continue` (as curl does): the answer comes in place of the word to go on."""
    with serve(max_file=1000) as (process, _):
        sock = begin(process, keyring, "POST /files HTTP/1.1", "Content-Length: 9000", "Expect: 100-continue")
        assert sock.recv(65536).startswith(b"HTTP/1.1 413")
        sock.close()


def test_a_slow_client_holds_nobody_up(serve, keyring):
    """Others of its tenant are served while its bytes trickle in, as far as half of all places go; then its file is there like any other."""
    with serve() as (process, client):
        slow = [
            begin(process, keyring, "POST /files HTTP/1.1", f"Content-Length: {4 + n}", body=b"sl") for n in range(7)
        ]
        assert client.post("/files", content=b"quick").status_code == 201
        assert client.get("/runs").status_code == 200
        for n, sock in enumerate(slow):
            sock.sendall(b"ow" + b"!" * n)
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            assert (answer.status, json.load(answer)["size"]) == (201, 4 + n)
            sock.close()


def test_a_store_that_breaks_ends_the_connection(serve, redis_client, pipeline):
    """Half a file is never a whole answer."""
    with serve() as (_, client):
        stored = client.post("/files", content=b"x" * 3 * CHUNK)
        redis_client.delete(*redis_client.keys(f"*{pipeline}*payload:*.2"))
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(stored.headers["location"])
        assert client.get("/healthz").status_code == 200


def test_memory_is_flat(serve):
    """64 MB (200 MB in the long form) go up and down through one process, which grows by less than 48 MB."""
    size = (200 if LONG else 64) * CHUNK
    block = bytes(range(256)) * 4096
    digest = hashlib.sha256()

    def chunks():
        for _ in range(size // CHUNK):
            yield block

    with serve() as (process, client):
        client.post("/files", content=b"warm")
        before = process.peak()
        stored = client.post("/files", content=chunks())
        assert (stored.status_code, stored.json()["size"]) == (201, size)
        with client.stream("GET", stored.headers["location"]) as answer:
            for chunk in answer.iter_bytes():
                digest.update(chunk)
        assert digest.hexdigest() == stored.json()["sha256"]
        assert process.peak() - before < 48 * CHUNK
