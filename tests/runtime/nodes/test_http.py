"""http.request, through httpx, against a real server."""

import gzip
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from saltern_runtime.errors import NodeError, PermanentError, TransientError
from saltern_runtime.graph import Connection
from saltern_runtime.models import Model
from saltern_runtime.nodes import http
from saltern_runtime.spec import ANY, STRING, Bound, Effect


@pytest.fixture
def vendor(web_double, monkeypatch):
    """Give a connection with a base path, a token and a header."""
    monkeypatch.setenv("TEST_TOKEN", "hush")
    settings = {"base_url": f"{web_double.url}/v1", "headers": {"X-Team": "salt"}}
    return Connection("vendor", connector="http", settings=settings, secrets={"token": "env:TEST_TOKEN"})


def test_json_comes_back_as_its_value(context, web_double):
    """With status and lower-case headers; the query is encoded, null parameters are left out, lists are repeated."""
    answer = http.request(context(), url=f"{web_double.url}/a?x=1", query={"q": "a&b=c", "none": None, "flag": True})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.body["query"] == {"x": "1", "q": "a&b=c", "flag": "true"}
    assert "idempotency-key" not in answer.body["headers"]


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ({"body": "hello"}, "hello"),
        ({"body": ""}, None),
        ({"status": 204, "body": ""}, None),
        ({"body": '{"a": 1}', "headers": {"content-type": "application/problem+json"}}, {"a": 1}),
        ({"body": '{"a": 1}'}, '{"a": 1}'),
    ],
)
def test_the_content_type_decides_what_a_body_is(context, web_double, fault, body):
    """JSON only where it says so; nothing is sniffed."""
    web_double.fail(fault)
    assert http.request(context(), url=web_double.url).body == body


def test_bodies_are_sent_as_json_or_as_text(context, web_double):
    """Models keep their aliases and lose what is absent; text is sent as it is, under the given type."""

    class Item(Model):
        name: str
        note: str | None = None

    sent = [Item(name="a"), {"items": [Item(name="b")]}, "plain"]
    got = [http.request(context(), method="POST", url=web_double.url, body=body).body for body in sent]
    assert [each["body"] for each in got] == [{"name": "a"}, {"items": [{"name": "b"}]}, "plain"]
    assert got[2]["headers"]["content-type"] == "text/plain; charset=utf-8"
    own = http.request(context(), method="PUT", url=web_double.url, body="<a/>", headers={"content-type": "text/xml"})
    assert own.body["headers"]["content-type"] == "text/xml"


def test_requests_that_may_change_something_carry_a_stable_idempotency_key(context, web_double):
    """The same through retries, another for the next call."""
    first = http.request(context(), method="POST", url=web_double.url).body["headers"]["idempotency-key"]
    again = context(attempt=2)
    assert http.request(again, method="POST", url=web_double.url).body["headers"]["idempotency-key"] == first
    assert http.request(again, method="POST", url=web_double.url).body["headers"]["idempotency-key"] != first


def test_a_connection_adds_its_base_token_and_headers(context, vendor, web_double):
    """A path is taken under the base URL's own path; the connection's headers win."""
    got = http.request(context(vendor), url="/jobs/1?x=2", headers={"x-team": "pepper", "authorization": "mine"}).body
    assert (got["path"], got["query"]) == ("/v1/jobs/1", {"x": "2"})
    assert (got["headers"]["authorization"], got["headers"]["x-team"]) == ("Bearer hush", "salt")
    assert http.request(context(vendor), url=f"{web_double.url}/v1/jobs").body["path"] == "/v1/jobs"
    assert http.request(context(vendor), url="jobs").body["path"] == "/v1/jobs"
    assert http.request(context(vendor), url="").body["path"] == "/v1"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/x",
        "//evil.example/v1",
        "http://127.0.0.1:1/v1",
        "/../admin",
        "/a/../../admin",
        "/%2e%2e/admin",
        "/%2E%2e/admin",
        "\\..\\admin",
        "/..%2fadmin",
        "/..%5cadmin",
        "/..;/admin",
        "/%2e%2e;x=1/admin",
        "@evil.example/",
        ".evil.example/",
        "http://127.0.0.1/v1",
        "{base}/v1@evil.example",
        "{base}/v2",
        "{base}/v1x",
        "{base}",
    ],
)
def test_a_url_cannot_leave_its_connection(context, vendor, web_double, url):
    """Whatever a value says, the token goes to the connection's host, under its path; else nothing is sent."""
    with suppress(PermanentError):
        http.request(context(vendor), url=url.replace("{base}", web_double.url))
    assert all(got.path.startswith("/v1/") and ".." not in unquote(got.path) for got in web_double.received)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "/only/a/path",
        "",
        "http://",
        "http://user:pw@a/",
        "http://a:b/",
        "http://[::1/",
    ],
)
def test_urls_that_cannot_be_asked_are_permanent(context, url):
    """Only absolute http and https, without credentials."""
    with pytest.raises(PermanentError) as caught:
        http.request(context(), url=url)
    assert caught.value.code == "bad-url"


@pytest.mark.parametrize("name", ["X-A\r\nEvil: 1", "", "a b"])
def test_headers_cannot_be_injected(context, web_double, name):
    """A line break in a name or value is refused before anything is sent."""
    for headers in ({name: "x"}, {"X-A": "x\r\nEvil: 1"}):
        with pytest.raises((PermanentError, TransientError)) as caught:
            http.request(context(), url=web_double.url, headers=headers)
        assert isinstance(caught.value, PermanentError)
    assert web_double.received == []


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (429, "POST", (TransientError, "rate-limited", False)),
        (408, "POST", (TransientError, "timed-out", False)),
        (500, "GET", (TransientError, "server-error", False)),
        (500, "POST", (TransientError, "server-error", True)),
        (502, "PUT", (TransientError, "server-error", False)),
        (503, "POST", (TransientError, "server-error", False)),
        (400, "POST", (PermanentError, "refused", False)),
        (401, "GET", (PermanentError, "unauthorized", False)),
        (404, "GET", (PermanentError, "not-found", False)),
        (409, "POST", (PermanentError, "conflict", False)),
    ],
)
def test_statuses_have_their_class(context, web_double, status, method, expected):
    """Ambiguous only where a second request could do the work twice."""
    web_double.fail({"status": status, "body": "no"})
    with pytest.raises(NodeError) as caught:
        http.request(context(), method=method, url=web_double.url)
    assert (type(caught.value), caught.value.code, caught.value.ambiguous) == expected
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("12", 12, 12),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9, 1e12),
    ],
)
def test_retry_after_is_seconds_or_a_date(context, web_double, value, low, high):
    """As RFC 9110 has it; never negative."""
    web_double.fail({"status": 503, "body": "", "headers": {"Retry-After": value}})
    with pytest.raises(TransientError) as caught:
        http.request(context(), url=web_double.url)
    assert low <= caught.value.retry_after <= high


@pytest.mark.parametrize("value", ["soon", "nan", "inf", ""])
def test_a_retry_after_that_says_nothing_is_ignored(context, web_double, value):
    """Not an error of its own."""
    web_double.fail({"status": 429, "body": "", "headers": {"Retry-After": value}})
    with pytest.raises(TransientError) as caught:
        http.request(context(), url=web_double.url)
    assert caught.value.retry_after is None


def test_a_huge_answer_is_permanent(context, web_double, monkeypatch):
    """Reading stops at the limit of stored values, as the engine says it; the environment is not read at each answer."""
    monkeypatch.setenv("SALTERN_MAX_PAYLOAD", "no number")
    web_double.fail({"body": "a" * 1000}, {"body": "a" * 1001})
    assert len(http.request(context(max_payload=1000), url=web_double.url).body) == 1000
    with pytest.raises(PermanentError) as caught:
        http.request(context(max_payload=1000), url=web_double.url)
    assert caught.value.code == "too-large"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"body": "{", "headers": {"content-type": "application/json"}}, "not-json"),
        ({"body": "[" * 100_000, "headers": {"content-type": "application/json"}}, "not-json"),
    ],
)
def test_broken_json_is_permanent(context, web_double, fault, code):
    """The server says JSON and sends none."""
    web_double.fail(fault)
    with pytest.raises(PermanentError) as caught:
        http.request(context(), url=web_double.url)
    assert caught.value.code == code


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("fault", "code"), [({"delay": 30}, "timed-out"), ({"close": True}, "connection-lost")])
def test_an_answer_that_never_comes_is_ambiguous_for_what_is_not_idempotent(context, web_double, method, fault, code):
    """A GET may simply be sent again."""
    web_double.fail(fault)
    with pytest.raises(TransientError) as caught:
        http.request(context(seconds=0.3), method=method, url=web_double.url)
    assert (caught.value.code, caught.value.ambiguous) == (code, method == "POST")


def test_a_refused_connection_is_not_ambiguous(context, closed_port):
    """Nothing was sent."""
    with pytest.raises(TransientError) as caught:
        http.request(context(), method="POST", url=f"http://127.0.0.1:{closed_port}/")
    assert (caught.value.code, caught.value.ambiguous) == ("unreachable", False)


class _Raw(BaseHTTPRequestHandler):
    """Sends what a polite server would not."""

    def do_GET(self):
        kind = self.path.strip("/")
        self.send_response(200)
        if kind == "drip":
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                if self.server.done.wait(0.05):
                    return
            return
        if kind == "cookie":
            self.send_header("set-cookie", "session=other-tenant")
            content = (self.headers.get("cookie") or "none").encode()
        elif kind == "bomb":
            self.send_header("content-encoding", "gzip")
            content = gzip.compress(b"a" * 50_000_000)
        else:
            self.send_header("content-type", "image/png")
            content = b"\x89PNG\xff"
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def raw_server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Raw) as server:
        server.daemon_threads = True
        server.done = threading.Event()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.done.set()
        server.shutdown()


def test_an_answer_that_drips_ends_at_the_deadline(context):
    """Each byte comes in time, the whole does not."""
    with raw_server() as url, pytest.raises(TransientError) as caught:
        http.request(context(seconds=0.4), url=f"{url}/drip")
    assert caught.value.code == "timed-out"


def test_cookies_do_not_pass_from_one_run_to_the_next(context):
    """The client is shared by all tenants of a process."""
    with raw_server() as url:
        assert [http.request(context(), url=f"{url}/cookie").body for _ in range(2)] == ["none", "none"]


def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(context):
    """The limit counts what is unpacked."""
    with raw_server() as url, pytest.raises(PermanentError) as caught:
        http.request(context(), url=f"{url}/bomb")
    assert caught.value.code == "too-large"


def test_what_is_no_text_is_permanent(context):
    """Bodies are JSON or text."""
    with raw_server() as url, pytest.raises(PermanentError) as caught:
        http.request(context(), url=f"{url}/image")
    assert caught.value.code == "not-text"


@pytest.mark.parametrize(
    ("literals", "param"),
    [
        ({"url": "ftp://a"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://a:b:c/"}, "url"),
        ({"url": "https://user:pw@a/"}, "url"),
        ({"url": "https://a/", "body": {}}, "body"),
    ],
)
def test_literals_that_cannot_work_are_problems(spec, literals, param):
    """Found while compiling, not in a run."""
    (found,) = spec("http.request").check(Bound(literals, dict.fromkeys(literals, ANY)))
    assert found.param == param


def test_good_literals_are_no_problem(spec):
    """Absolute, or a path for the connection."""
    for url in ("https://a.example/x", "/jobs", "jobs?x=1", "HTTPS://A/"):
        assert not list(
            spec("http.request").check(Bound({"url": url, "method": "POST", "body": 1}, {"url": STRING, "body": ANY}))
        )


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        (None, "read"),
        ("GET", "read"),
        ("HEAD", "read"),
        ("PUT", "idempotent"),
        ("POST", "external"),
        ("PATCH", "external"),
    ],
)
def test_the_method_decides_the_effect(spec, method, effect):
    """As RFC 9110 has it."""
    literals = {} if method is None else {"method": method}
    assert spec("http.request").effect(Bound(literals, {})) is Effect(effect)
