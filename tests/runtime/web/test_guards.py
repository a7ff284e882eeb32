"""Who may call what: bearer tokens, their making, and signed webhooks."""

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from saltern_runtime.graph import GraphError
from saltern_runtime.settings import Settings
from saltern_runtime.web import PipelineRouter, build_app, tokens
from saltern_runtime.web.router import GuardedRoute
from saltern_runtime.web.signatures import SCHEMES, SignatureError
from tests.support.web import GRAPH, Output

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"id": "a"}'


def signed(body=BODY, *, identity="msg_1", secret=SECRET, at=None, **headers):
    """Sign a delivery with the standard's own library."""
    at = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, at, body),
        **headers,
    }


@pytest.fixture
async def sender(app, connect):
    """Connect without a token."""
    async with connect(app, None) as made:
        yield made


@pytest.mark.anyio
async def test_every_route_but_health_and_what_is_signed_needs_a_token(app, sender):
    """Whatever route there is: without a token it is a 401 problem that says how to authenticate."""
    paths = app.openapi()["paths"]
    open_paths = set()
    for path, operations in paths.items():
        for method in operations:
            answer = await sender.request(
                method, path.replace("{run_id}", "x"), json={"id": "a"} if method == "post" else None
            )
            if answer.status_code == 401 and answer.json()["code"] == "token-missing":
                assert answer.headers["www-authenticate"] == "Bearer"
                continue
            open_paths.add(path)
    assert open_paths == {"/healthz", "/readyz", "/hooks/greet", "/answers/{token}"}
    assert (await sender.get("/openapi.json")).status_code == 401
    assert (await sender.get("/docs")).status_code == 404
    assert (await sender.get("/")).status_code == 404


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer wrong", "token-unknown"),
        ("Bearer saltern_" + "A" * 43, "token-unknown"),
        (b"Bearer \xff\xfe", "token-unknown"),
        ("Bearer", "token-missing"),
        ("Bearer  ", "token-missing"),
        ("Basic dXNlcjpwYXNz", "token-missing"),
        ("", "token-missing"),
    ],
)
async def test_wrong_tokens_are_refused(sender, header, code):
    """A token that is none, of another scheme or unknown is a 401."""
    answer = await sender.get("/runs", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, code)


@pytest.mark.anyio
async def test_the_hash_of_a_token_is_no_token(sender, settings):
    """Who can read the settings still cannot call."""
    digest = settings.api_tokens.partition("sha256:")[2][:64]
    answer = await sender.get("/runs", headers={"Authorization": f"Bearer {digest}"})
    assert answer.status_code == 401


@pytest.mark.anyio
async def test_the_token_comes_before_the_body(sender):
    """Without a token nothing is said about the body, be it too large or malformed."""
    for body in (b"{", b" " * 5000):
        answer = await sender.post("/runs", content=body)
        assert answer.json()["code"] == "token-missing"


def test_a_token_is_made_and_read_back():
    """A new token belongs to its tenant; the entry holds only its hash."""
    token, entry = tokens.new("acme")
    assert str(entry) == f"acme=sha256:{hashlib.sha256(token.encode()).hexdigest()}"
    entries = tokens.read(f" {tokens.new('x')[1]} , {entry},")
    found = tokens.entry_of(token, entries)
    assert found is not None
    assert found.tenant == "acme"
    assert found.name == f"token:{found.digest[:8]}"
    assert tokens.entry_of(token + "x", entries) is None
    assert tokens.entry_of(token, ()) is None


@pytest.mark.parametrize(
    "text", ["acme", "acme=md5:00", "=sha256:" + "0" * 64, "a b=sha256:" + "0" * 64, "a=sha256:" + "0" * 63]
)
def test_unreadable_entries_stop_the_service(text):
    """Entries that cannot be read are named by number at start, not met by the first request."""
    good = str(tokens.new("a")[1])
    with pytest.raises(ValueError, match="entry 2 is not") as caught:
        build_app(PipelineRouter(GRAPH, output=Output), Settings(api_tokens=f"{good},{text}"))
    assert text not in str(caught.value)


def test_the_command_prints_a_token_and_its_entry():
    """`python -m saltern_runtime.web.tokens new acme` prints what the client and what the operator need."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "saltern_runtime.web.tokens", "new", "acme"],
        capture_output=True,
        text=True,
        check=True,
    )
    token, entry = (line.rpartition(": ")[2] for line in done.stdout.splitlines())
    found = tokens.entry_of(token, tokens.read(entry))
    assert found is not None
    assert found.tenant == "acme"


@pytest.mark.parametrize("arguments", [[], ["new"], ["new", "a b"], ["new", "a,b=sha256"], ["old", "x"]])
def test_the_command_refuses_what_it_does_not_know(arguments, capsys):
    """Wrong arguments are exit code 2 and a line of help."""
    assert tokens.main(arguments) == 2
    assert capsys.readouterr().err


def test_a_route_without_a_guard_cannot_be_made():
    """Forgetting who may call a route is an error at import."""
    router = PipelineRouter(GRAPH, output=Output)
    with pytest.raises(GraphError, match="needs one guard"):
        router.get("/open")(lambda: None)
    assert router.route_class is GuardedRoute


@pytest.mark.anyio
async def test_a_signed_delivery_starts_a_run(sender, service):
    """What the standard's library signs is taken, without a token, as a run of the default tenant."""
    answer = await sender.post("/hooks/greet", content=BODY, headers=signed())
    assert answer.status_code == 202
    run = service.runs[answer.json()["id"]]
    assert (run.tenant, run.trigger, run.input) == ("default", "webhook:/hooks/greet", {"id": "a"})


@pytest.mark.anyio
async def test_a_known_delivery_answers_with_the_first_run(sender, service):
    """Sent again, with a new timestamp and signature, a webhook-id leads to the first run."""
    first = await sender.post(
        "/hooks/greet", content=BODY, headers=signed(at=datetime.now(UTC) - timedelta(seconds=60))
    )
    again = await sender.post("/hooks/greet", content=BODY, headers=signed())
    assert (again.status_code, again.json()) == (202, {**first.json(), "created": False})
    assert len(service.runs) == 1


@pytest.mark.anyio
async def test_a_known_delivery_answers_with_the_first_run_whatever_its_body(sender, service):
    """The webhook-id alone names a delivery: a repeat with another body starts nothing and is no error."""
    other = '{"id": "another"}'
    first = await sender.post("/hooks/greet", content=BODY, headers=signed())
    again = await sender.post("/hooks/greet", content=other, headers=signed(other))
    assert (again.status_code, again.json()) == (202, {**first.json(), "created": False})
    assert len(service.runs) == 1


@pytest.mark.anyio
async def test_a_webhook_id_is_no_idempotency_key_of_the_api(sender, client, service):
    """The ids of deliveries and the keys of API clients cannot meet."""
    await sender.post("/hooks/greet", content=BODY, headers=signed(identity="k"))
    await client.post(
        "/runs", content=BODY, headers={"Idempotency-Key": "webhook:/hooks/greet:k", "content-type": "application/json"}
    )
    assert len(service.runs) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("age", [-360, 301, 10**6])
async def test_a_stale_timestamp_is_refused(sender, service, age):
    """A delivery from too long ago, or from the future, is a 401 however well it is signed."""
    answer = await sender.post(
        "/hooks/greet", content=BODY, headers=signed(at=datetime.now(UTC) - timedelta(seconds=age))
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused")
    assert "timestamp" in answer.json()["detail"]
    assert not service.runs


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 201},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1"},
        {"webhook-signature": ""},
        {"webhook-signature": ",,, v1, v1,%%%"},
        {"webhook-signature": b"v1,\xff\xfe"},
    ],
)
async def test_headers_that_were_changed_are_refused(sender, service, changed):
    """Malformed, missing or altered headers are a 401, never a 500."""
    answer = await sender.post("/hooks/greet", content=BODY, headers=signed(**changed))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused")
    assert not service.runs


@pytest.mark.anyio
@pytest.mark.parametrize("body", ['{"id": "b"}', BODY + " ", "", b"\xff", b" " * 1999])
async def test_a_body_that_was_changed_is_refused(sender, service, body):
    """The signature covers every byte, and is checked before the body is parsed."""
    answer = await sender.post("/hooks/greet", content=body, headers=signed())
    assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused")
    assert not service.runs


@pytest.mark.anyio
async def test_unsigned_deliveries_are_refused_even_with_a_token(client):
    """A bearer token does not stand in for a signature."""
    answer = await client.post("/hooks/greet", json={"id": "a"})
    assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused")


@pytest.mark.anyio
async def test_a_signature_by_another_secret_is_refused(sender):
    """A secret that is not this webhook's does not help."""
    answer = await sender.post("/hooks/greet", content=BODY, headers=signed(secret=OTHER))
    assert answer.status_code == 401


@pytest.mark.anyio
async def test_secrets_and_signatures_may_rotate(sender, monkeypatch):
    """With two secrets set either is taken, and one matching signature among several is enough."""
    monkeypatch.setenv("GREET_SECRET", f"{OTHER} {SECRET}")
    good = signed()
    headers = {**good, "webhook-signature": f"v1a,xyz v1,AAAA {good['webhook-signature']}"}
    assert (await sender.post("/hooks/greet", content=BODY, headers=headers)).status_code == 202
    assert (
        await sender.post("/hooks/greet", content=BODY, headers=signed(secret=OTHER, identity="2"))
    ).status_code == 202


@pytest.mark.anyio
@pytest.mark.parametrize("text", [None, "", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ="])
async def test_a_webhook_without_a_usable_secret_is_503(sender, monkeypatch, caplog, text):
    """A secret that is missing or unreadable lets nobody in: the sender may come again, the log names the variable."""
    monkeypatch.delenv("GREET_SECRET")
    if text is not None:
        monkeypatch.setenv("GREET_SECRET", text)
    answer = await sender.post("/hooks/greet", content=BODY, headers=signed())
    assert (answer.status_code, answer.json()["code"]) == (503, "webhook-not-configured")
    assert "GREET_SECRET" in caplog.text
    assert "GREET_SECRET" not in answer.text


@pytest.mark.anyio
async def test_a_signed_delivery_of_the_wrong_shape_is_422(sender):
    """Well signed but not what the pipeline takes: the sender learns what is wrong."""
    body = '{"id": 5}'
    answer = await sender.post("/hooks/greet", content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/id")


@pytest.mark.anyio
async def test_a_webhook_without_a_secret_takes_a_token(furnish, connect):
    """An unsigned webhook is a route like any other: a token, and an Idempotency-Key of its own."""
    from fastapi import Response

    from saltern_runtime.web import Delivery
    from tests.support.web import Input

    router = PipelineRouter(GRAPH, output=Output)

    @router.webhook("/plain")
    async def receive(body: Input, deliver: Delivery) -> Response:
        return await deliver(body)

    app = FastAPI()
    app.include_router(router)
    furnish(app)
    async with connect(app, None) as sender, connect(app, "other") as client:
        assert (await sender.post("/plain", json={"id": "a"})).status_code == 401
        first = await client.post("/plain", json={"id": "a"}, headers={"Idempotency-Key": "k"})
        again = await client.post("/plain", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.json()["created"]) == (202, False)


@pytest.mark.parametrize(
    "path", ["", "/", "/runs", "/runs/x/cancel", "tickets", "/a{b}", "/a b", "/a/", "/ü", '/"', "/a//b"]
)
def test_a_webhook_path_is_plain(path):
    """A path with templates, quotes or gaps in it is refused at import."""
    with pytest.raises(GraphError, match="a webhook cannot stand at"):
        PipelineRouter(GRAPH, output=Output).webhook(path)


def test_two_routes_at_one_path_are_refused():
    """Two functions cannot serve one path."""
    router = PipelineRouter(GRAPH, output=Output)

    async def anything() -> None: ...

    router.start("/runs")(anything)
    with pytest.raises(GraphError, match="two routes"):
        router.start("/runs")


def test_timestamps_are_checked_after_the_signature():
    """A stranger learns nothing of our clock: an unsigned stale delivery is told of the signature."""
    headers = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    with pytest.raises(SignatureError, match="no signature matches"):
        SCHEMES["standard"].verify(headers, b"", [b"x" * 24], now=10**9, tolerance=300)
