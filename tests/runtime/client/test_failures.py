"""What both clients make of answers that are none, of services that are away, and when they ask again."""

import json

import httpx
import pytest

from saltern_runtime.client import (
    AsyncClient,
    Client,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotSalternError,
    ProblemError,
    RefusedTokenError,
    ServiceFailedError,
    TooManyError,
    UnavailableError,
    UnreachableError,
)
from tests.support.redis import free_port

URL = "http://service.test"
TOKEN = "saltern_verysecret"
RUN = f"0-{'0' * 24}"
STARTED = {"id": RUN, "created": True, "url": f"/runs/{RUN}"}


class Answers:
    """A service that answers what it is told to, one after the other, the last one again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer()

    @property
    def asked(self):
        return len(self.requests)


def problem(status, code="x", headers=None, **more):
    """An answer that says why not."""
    body = json.dumps({"type": "x", "title": "X", "status": status, "code": code, "detail": "because"} | more)
    kind = {"content-type": "application/problem+json; charset=utf-8"}
    return lambda: httpx.Response(status, content=body, headers=kind | (headers or {}))


def text(status, body, kind="text/html", **headers):
    return lambda: httpx.Response(status, content=body, headers={"content-type": kind} | headers)


def said(body, status=200):
    return text(status, json.dumps(body), "application/json")


@pytest.fixture
def asking(connect, pauses):
    """A client of a service that gives these answers: `client, answers`."""

    def asking(*answers):
        given = Answers(*answers)
        made = connect(URL, TOKEN, transport=httpx.MockTransport(given))
        return made, given

    return asking


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, RefusedTokenError),
        (403, RefusedTokenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, NotFoundError),
        (413, InvalidRequestError),
        (422, InvalidRequestError),
        (429, TooManyError),
        (500, ServiceFailedError),
        (503, UnavailableError),
    ],
)
def test_each_kind_of_problem_has_its_class(asking, status, kind):
    """All that a problem says is in the error."""
    finding = {"detail": "too long", "pointer": "#/id"}
    connected, _ = asking(problem(status, "a-code", errors=[finding], instance="urn:1"))
    with connected as client, pytest.raises(kind, match=rf"because \({status} a-code\); #/id: too long") as raised:
        client.cancel(RUN)
    error = raised.value
    assert type(error) is kind
    assert isinstance(error, ProblemError)
    assert (error.status, error.code, error.detail, error.instance) == (status, "a-code", "because", "urn:1")


@pytest.mark.parametrize(
    "answer",
    [
        text(200, "<html>welcome</html>"),
        text(404, "<html>not here</html>"),
        text(200, "[]", "application/json"),
        text(200, '{"runs": 7}', "application/json"),
        text(200, '{"id": "0-0"}', "application/json"),
        text(301, "", location="https://elsewhere.test/"),
        text(400, '{"code": 7}', "application/problem+json"),
        text(400, "{", "application/problem+json"),
        text(400, '{"code": []}', "application/problem+json"),
        text(200, "[" * 100_000, "application/json"),
        problem(404, "not-found"),
        problem(405, "method-not-allowed"),
        text(200, b"\xff\xfe", "application/json"),
        text(200, b"nogzip", "application/json", **{"content-encoding": "gzip"}),
    ],
)
def test_what_is_no_service(asking, answer):
    """Pages, redirects, JSON of another kind: an error that says so, at once, and follows nothing."""
    connected, answers = asking(answer)
    with connected as client:
        for call in (lambda: client.get(RUN), lambda: list(client.list())):
            with pytest.raises(NotSalternError):
                call()
    assert answers.asked == 2


@pytest.mark.parametrize("body", [{}, {"created": None}, {"created": "no"}, []])
def test_an_answer_that_says_nothing_of_the_answer(asking, body):
    """Whether an answer counted is not guessed: who does not say so is no service."""
    connected, _ = asking(said(body, 202))
    with connected as client, pytest.raises(NotSalternError):
        client.answer(RUN, "asked", 1)


@pytest.mark.parametrize(
    "answer",
    [
        text(200, "<html>"),
        text(404, "no"),
        text(200, "data: {}\n\n", "text/event-stream"),
        text(200, "data: no\n\n", "text/event-stream"),
    ],
)
def test_what_is_no_stream_of_events(asking, answer):
    """Neither a page nor an event without an id is followed."""
    connected, _ = asking(answer)
    with connected as client, pytest.raises(NotSalternError):
        list(client.follow(RUN))


def test_an_address_at_which_nobody_listens(connect, pauses):
    """It says where, after a few tries with growing pauses, also for what may not be sent twice: it never left."""
    url = f"http://127.0.0.1:{free_port()}"
    with connect(url, TOKEN) as client:
        for call in (lambda: client.get(RUN), lambda: client.start({}), lambda: list(client.follow(RUN))):
            with pytest.raises(UnreachableError, match=f"{url} does not answer") as raised:
                call()
            assert raised.value.sent is False
    assert len(pauses) == 9


AWAY = [
    httpx.ReadTimeout("too slow"),
    httpx.RemoteProtocolError("gone"),
    problem(503, "store-unavailable", {"Retry-After": "1"}),
    text(502, "<html>bad gateway</html>"),
    text(500, "Internal Server Error", "text/plain"),
]


@pytest.mark.parametrize("away", AWAY)
def test_what_changes_nothing_is_asked_again(asking, pauses, away):
    """A look, and a start with a key, outlast a service that is away for a moment."""
    connected, answers = asking(away, away, said({"entries": []}))
    with connected as client:
        assert client.audit(RUN) == ()
    assert answers.asked == 3
    connected, answers = asking(away, said(STARTED, 202))
    with connected as client:
        assert client.start({}, idempotency_key="k").id == RUN
    assert [request.headers["idempotency-key"] for request in answers.requests] == ["k", "k"]


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.start({}),
        lambda client: client.replay(RUN),
        lambda client: list(client.discard_letters()),
    ],
)
def test_what_may_have_been_done_is_not_sent_again(asking, away, call):
    """A start without a key, or a replay, that may have arrived is an error at once."""
    connected, answers = asking(away, said({}))
    with connected as client, pytest.raises((UnreachableError, UnavailableError)):
        call(client)
    assert answers.asked == 1


def test_tries_have_an_end(asking, pauses):
    """Four, with pauses that the service's wish is part of; then the error is the service's own."""
    connected, answers = asking(problem(503, "store-unavailable", {"Retry-After": "1"}))
    with connected as client, pytest.raises(UnavailableError, match="store-unavailable"):
        client.get(RUN)
    assert answers.asked == 4
    assert [1 <= pause <= 1 + 0.25 * 2**n for n, pause in enumerate(pauses)] == [True] * 3


def test_a_service_that_wants_to_be_left_alone(asking, pauses):
    """One that asks for minutes is not waited for: the error says how long."""
    connected, answers = asking(problem(429, "too-many", {"Retry-After": "600"}))
    with connected as client, pytest.raises(TooManyError) as raised:
        client.get(RUN)
    assert (answers.asked, raised.value.retry_after, pauses) == (1, 600.0, [])


def run_json(state):
    moment = "2026-01-01T00:00:00.000Z"
    summary = {"id": RUN, "pipeline": "p", "state": state, "trigger": "api", "parent": None, "plan": "sha256:0"}
    times = {"created_at": moment, "deadline": moment, "ended_at": None, "failure": None}
    return summary | times | {"input": {}, "output": None, "nodes": [], "awaits": []}


def test_a_service_that_does_not_wait_is_not_asked_busily(asking, pauses):
    """One that answers at once, since too many wait there, is asked again after pauses that grow."""
    connected, answers = asking(*[said(run_json("RUNNING"))] * 4, said(run_json("FAILED") | {"new": 1}))
    with connected as client:
        assert client.wait(RUN, 60).state == "FAILED"
    assert pauses == sorted(set(pauses))
    assert len(pauses) == 4
    assert [request.headers["prefer"] for request in answers.requests] == ["wait=30"] * 5


def test_a_stream_that_breaks_off_again_and_again(asking, pauses):
    """Its end without the run's end is followed on, some times, whatever pause it wishes; a word of the service in between counts."""
    connected, answers = asking(text(200, f"retry: 10\n\nretry: {'9' * 5000}\n\n", "text/event-stream"))
    with connected as client, pytest.raises(UnreachableError, match="breaks off"):
        list(client.follow(RUN))
    assert answers.asked == 4
    alive = text(200, "retry: 10\n\n: still running\n\n", "text/event-stream")
    connected, answers = asking(*[alive] * 9, text(204, ""))
    with connected as client:
        assert list(client.follow(RUN)) == []
    assert answers.asked == 10


def test_the_end_of_a_run_is_the_end_of_a_stream_at_once(asking, pauses):
    """Behind the event that ends a run the client asks once whether more came, without a pause."""
    event = {"id": "1-0", "type": "run.succeeded", "time": "2026-01-01T00:00:00Z", "subject": None, "data": None}
    frame = text(200, f"id: 1-0\nevent: run.succeeded\ndata: {json.dumps(event)}\n\n", "text/event-stream")
    connected, answers = asking(frame, text(204, ""))
    with connected as client:
        assert [each.id for each in client.follow(RUN)] == ["1-0"]
    assert pauses == [0.0]
    assert [request.headers.get("last-event-id") for request in answers.requests] == [None, "1-0"]


def test_a_redirect_is_named(asking):
    """It is not followed, since the token would go along, and the error says what to do."""
    connected, answers = asking(text(307, "", location="https://elsewhere.test/"))
    with connected as client, pytest.raises(NotSalternError, match="a redirect, which is not followed"):
        client.get(RUN)
    assert answers.asked == 1


def test_values_of_a_later_service_stay(asking):
    """A field and a state that this version does not know break nothing."""
    connected, _ = asking(said(run_json("DREAMING") | {"new": {"a": 1}}))
    with connected as client:
        run = client.get(RUN)
    assert (run.state, run.is_over, run.to_json()["new"]) == ("DREAMING", False, {"a": 1})


@pytest.mark.parametrize(
    "url", ["", "orders", "ftp://a", "http://", "http://a?b=c", "http://a#b", "http://user:hidden@a", "http://a:b"]
)
def test_an_address_that_is_none(url):
    """It is refused before anything is sent, and no password in it is repeated."""
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="the URL of a service") as refused:
            kind(url, TOKEN)
        assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ü", "a" * 5000])
def test_a_token_that_is_none(token):
    """It is refused without being shown."""
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="a token is") as refused:
            kind(URL, token)
        assert token == "" or token not in str(refused.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.start({}, idempotency_key="ü"),
        lambda client: client.start({}, idempotency_key=""),
        lambda client: client.start(float("nan")),
        lambda client: list(client.follow(RUN, after="1\r\nx: y")),
    ],
)
def test_what_cannot_be_sent(asking, call):
    """It is a ValueError before anything is sent."""
    connected, answers = asking(said(STARTED))
    with connected as client, pytest.raises(ValueError, match=r".+"):
        call(client)
    assert answers.asked == 0


def test_the_token_is_in_the_header_and_nowhere_else(asking):
    """No repr, no error and nothing that an error leads to has it."""
    connected, answers = asking(httpx.ReadError("gone"))
    with connected as client:
        with pytest.raises(UnreachableError) as raised:
            client.get(RUN)
        assert answers.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        error = raised.value
        assert (error.__cause__, error.__context__) == (None, None)
        assert TOKEN not in f"{client!r} {error!r} {error}"
