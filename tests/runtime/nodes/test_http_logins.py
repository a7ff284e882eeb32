"""The secrets of an http connection: headers, query, basic and OAuth 2 client credentials; where they go, and where they never do."""

import base64
import json
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from examples.doubles.server import Answer, Double
from examples.doubles.web import web
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Connection
from saltern_runtime.nodes import http

HUSH = "hush-hush-4711"


class Issuer:
    """A server of tokens, and one that takes them until they are taken back."""

    def __init__(self):
        self.asked, self.answers, self.good, self.lock = [], [], set(), threading.Lock()
        self.lasts = 3600
        self.double = Double(self.answer)

    def answer(self, request):
        with self.lock:
            if request.path == "/token":
                self.asked.append(request)
                if self.answers:
                    return self.answers.pop(0)
                token = f"token-{len(self.asked)}"
                self.good.add(token)
                lasts = {} if self.lasts is None else {"expires_in": self.lasts}
                return Answer({"access_token": token, "token_type": "Bearer", **lasts})
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            return Answer({"token": given}, status=200 if given in self.good else 401)


@pytest.fixture
def issuer():
    made = Issuer()
    with made.double:
        yield made


@pytest.fixture
def connect(monkeypatch, web_double):
    """Make a connection whose secrets are all the same."""
    monkeypatch.setenv("TEST_SECRET", HUSH)

    def make(*secrets, base=None, **settings):
        references = dict.fromkeys(secrets, "env:TEST_SECRET")
        return Connection("vendor", "http", {"base_url": base or web_double.url, **settings}, references)

    return make


@pytest.fixture
def oauth(connect, issuer):
    def make(**more):
        given = {"token_url": f"{issuer.double.url}/token", "client_id": "me", **more}
        return connect("oauth2.client_secret", base=issuer.double.url, oauth2=given)

    return make


def test_any_header_may_be_a_secret(context, connect):
    """Beside those that are none; it wins over what the pipeline says."""
    vendor = connect("headers.X-Api-Key", "headers.X.Y", headers={"X-Team": "salt"})
    got = http.request(context(vendor), url="/", headers={"x-api-key": "mine"}).body["headers"]
    assert (got["x-api-key"], got["x.y"], got["x-team"]) == (HUSH, HUSH, "salt")


def test_a_query_parameter_may_be_a_secret(context, connect):
    """It is added to what the pipeline asks, and wins."""
    vendor = connect("query.key", query={"v": "2"})
    got = http.request(context(vendor), url="/?a=1&key=mine", query={"b": "2"}).body["query"]
    assert got == {"a": "1", "b": "2", "v": "2", "key": HUSH}


def test_basic_is_a_user_and_a_password(context, connect):
    """In UTF-8, as RFC 7617 has it."""
    vendor = connect("basic.password", basic={"user": "Zoë"})
    got = http.request(context(vendor), url="/").body["headers"]["authorization"]
    assert base64.b64decode(got.removeprefix("Basic ")).decode() == f"Zoë:{HUSH}"


@pytest.mark.parametrize("send", ["header", "body"])
def test_client_credentials_give_a_token(context, oauth, issuer, send):
    """Asked for once as RFC 6749 has it, and kept until it ends."""
    vendor = oauth(scope="read write", audience="https://api.example", client_auth=send)
    answers = [http.request(context(vendor), url=f"/{n}").body["token"] for n in range(3)]
    assert answers == ["token-1"] * 3
    (asked,) = issuer.asked
    form = {"grant_type": "client_credentials", "scope": "read write", "audience": "https://api.example"}
    if send == "header":
        assert asked.headers["authorization"] == "Basic " + base64.b64encode(f"me:{HUSH}".encode()).decode()
    else:
        assert "authorization" not in asked.headers
        form |= {"client_id": "me", "client_secret": HUSH}
    assert asked.body == form


def test_a_token_that_ended_is_fetched_again(context, oauth, issuer):
    """A little before its time."""
    issuer.lasts = 0
    vendor = oauth()
    assert [http.request(context(vendor), url="/").body["token"] for _ in range(2)] == ["token-1", "token-2"]


@pytest.mark.parametrize("lasts", [None, "soon", -5, 1e30, pytest.param(10**400, id="huge"), True])
def test_a_token_that_does_not_say_when_it_ends_is_no_error(context, oauth, issuer, lasts):
    """Whatever is said of it."""
    issuer.lasts = lasts
    assert http.request(context(oauth()), url="/").body["token"] == "token-1"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_after_a_401_one_token_more_is_fetched(context, oauth, issuer, method):
    """It may have been taken back before its time."""
    vendor = oauth()
    http.request(context(vendor), url="/")
    issuer.good.clear()
    assert http.request(context(vendor), method=method, url="/").body["token"] == "token-2"


def test_a_second_401_is_an_error(context, oauth, issuer):
    """Another token would be refused as well."""
    vendor = oauth()
    issuer.answers = [Answer({"access_token": f"bad-{n}"}) for n in range(9)]
    with pytest.raises(PermanentError) as caught:
        http.request(context(vendor), url="/")
    assert (caught.value.code, len(issuer.asked)) == ("unauthorized", 2)


def test_threads_share_one_token(context, oauth, issuer):
    """Whoever comes while it is fetched waits for it."""
    vendor = oauth()
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: http.request(context(vendor), url="/").body["token"], range(16)))
    assert (found, len(issuer.asked)) == ({"token-1"}, 1)


def test_who_waits_for_a_token_waits_no_longer_than_its_own_time(context, oauth, issuer):
    """Whoever fetches it may have more; a node that is late holds no worker."""
    vendor = oauth()
    asked, go_on, answer, told = threading.Event(), threading.Event(), issuer.double.answer, []

    def slow(request):
        asked.set()
        told.append(go_on.wait(5))
        return answer(request)

    issuer.double.answer = slow
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(http.request, context(vendor, seconds=20), url="/")
        asked.wait()
        try:
            with pytest.raises(TransientError) as caught:
                http.request(context(vendor, seconds=0.2), url="/")
        finally:
            go_on.set()
        assert first.result().body["token"] == "token-1"
    assert told[:1] == [True]  # and not that its time was over
    assert (caught.value.code, len(issuer.asked)) == ("timed-out", 1)


@pytest.mark.parametrize(
    "case",
    [
        (Answer({"error": "invalid_client", "error_description": HUSH}, 401), PermanentError, "token-refused"),
        (Answer({"error": HUSH}, 400), PermanentError, "token-refused"),
        (Answer(HUSH, 403), PermanentError, "token-refused"),
        (Answer("", 302, {"location": f"http://127.0.0.1:1/{HUSH}"}), PermanentError, "token-refused"),
        (Answer(HUSH), PermanentError, "token-refused"),
        (Answer([HUSH]), PermanentError, "token-refused"),
        (Answer("[" * 100_000), PermanentError, "token-refused"),
        (Answer({"access_token": ""}), PermanentError, "token-refused"),
        (Answer({"access_token": f"a\r\n{HUSH}"}), PermanentError, "token-refused"),
        (Answer({"access_token": 5}), PermanentError, "token-refused"),
        (Answer(HUSH, 503, {"retry-after": "7"}), TransientError, "token-unreachable"),
        (Answer("", 429), TransientError, "token-unreachable"),
    ],
)
def test_what_an_issuer_says_wrong_is_an_error_of_its_own(context, oauth, issuer, case):
    """With nothing in it of what was sent or said but the word that the standard knows."""
    answer, kind, code = case
    issuer.answers = [answer]
    with pytest.raises(kind) as caught:
        http.request(context(oauth()), url="/")
    assert caught.value.code == code
    assert HUSH not in str(caught.value)


def test_an_issuer_that_is_not_there_is_transient(context, connect, closed_port):
    """It may come back."""
    vendor = connect(
        "oauth2.client_secret", oauth2={"token_url": f"http://127.0.0.1:{closed_port}/", "client_id": "me"}
    )
    with pytest.raises(TransientError) as caught:
        http.request(context(vendor), url="/")
    assert (caught.value.code, caught.value.ambiguous) == ("token-unreachable", False)


LOGINS = [
    ("headers.X-Api-Key",),
    ("query.key",),
    ("basic.user", "basic.password"),
    ("token",),
]


@pytest.mark.parametrize("login", LOGINS)
def test_no_login_travels_to_another_host(context, connect, web_double, login):
    """Nor to what lies beside the base; a relative place keeps none of it."""
    vendor = connect(*login, base=f"{web_double.url}/v1")
    coded = base64.b64encode(f"{HUSH}:{HUSH}".encode()).decode()
    with web() as other:
        for location in (f"{other.url}/there", "/v2/there", f"{other.url}"):
            web_double.fail({"status": 302, "body": "", "headers": {"location": location}})
            body = json.dumps(http.request(context(vendor), url="/here").body)
            assert HUSH not in body
            assert coded not in body
    web_double.fail({"status": 302, "body": "", "headers": {"location": "#part"}})
    assert coded in (body := json.dumps(http.request(context(vendor), url="/here").body)) or HUSH in body


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize(
    "fault",
    [{"status": 401, "body": "no"}, {"status": 500, "body": "no"}, {"close": True}, {"delay": 5}, {"body": "fine"}],
)
def test_no_login_is_in_an_error_or_a_log(context, connect, web_double, caplog, login, fault):  # noqa: PLR0917 - fixtures
    """However much is logged."""
    caplog.set_level(logging.DEBUG)
    web_double.fail(fault)
    vendor, said = connect(*login), ""
    try:
        said = str(http.request(context(vendor, seconds=0.5), url="/here"))
    except (PermanentError, TransientError) as error:
        said = repr(error) + str(error.__cause__)
    coded = base64.b64encode(f"{HUSH}:{HUSH}".encode()).decode()
    everything = said + repr(vendor) + "".join(record.getMessage() + repr(record.args) for record in caplog.records)
    assert HUSH not in everything
    assert coded not in everything


@pytest.mark.parametrize("bad", [f"{HUSH}\n-", f"{HUSH}\0", f"{HUSH}é", f"{HUSH}\x7f", "你"])
@pytest.mark.parametrize("name", ["headers.X-Api-Key", "token"])
def test_a_secret_that_no_header_can_hold_is_not_repeated(context, connect, monkeypatch, bad, name):
    """Only the name of its setting is."""
    vendor = connect(name)
    monkeypatch.setattr("os.environ", {**os.environ, "TEST_SECRET": bad})
    with pytest.raises(PermanentError) as caught:
        http.request(context(vendor), url="/")
    assert caught.value.code == "bad-secret"
    assert HUSH not in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_secret_is_named(context, connect, monkeypatch):
    """By its variable."""
    vendor = connect("headers.X-Api-Key")
    monkeypatch.delenv("TEST_SECRET")
    with pytest.raises(PermanentError) as caught:
        http.request(context(vendor), url="/")
    assert caught.value.code == "missing-secret"
    assert "TEST_SECRET" in str(caught.value)
