"""Webhooks as their vendors sign them: documented examples, what is refused, secrets that rotate, hands that are shaken."""

import base64
import hashlib
import hmac
import time
from dataclasses import MISSING, fields

import pytest
from fastapi import FastAPI, Response

from saltern_compiler.passes import webhooks
from saltern_runtime.graph import GraphError
from saltern_runtime.web import Delivery, PipelineRouter
from saltern_runtime.web.signatures import (
    NONE,
    Basic,
    Hmac,
    SignatureError,
    Token,
)
from saltern_runtime.web.signatures import SCHEMES as SCHEMES_BY_NAME
from tests.support.vendors import ACME, BODY, KEY, OTHER, OTHER_PASSWORD, SCHEMES, github, mac, secret_of, slack
from tests.support.web import GRAPH, Input, Output

pytestmark = pytest.mark.anyio
STANDARD, GITHUB, STRIPE, SLACK, SHOPIFY = (
    SCHEMES_BY_NAME[word] for word in ("standard", "github", "stripe", "slack", "shopify")
)
AT = {"now": 1531420618.0, "tolerance": 300.0}
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14"
    b"d10d2c447fce8b6703c"
)
SLACK_SIGNED = {
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


every_scheme = pytest.mark.parametrize("kind", SCHEMES)


async def test_githubs_documented_example_is_taken():
    """The secret, the text and the signature that GitHub's guide to validating deliveries gives for trying an implementation."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    keys = GITHUB.keys("It's a Secret to Everybody")
    GITHUB.verify({"x-hub-signature-256": signature}, b"Hello, World!", keys, **AT)
    with pytest.raises(SignatureError, match="no signature matches"):
        GITHUB.verify({"x-hub-signature-256": signature}, b"Hello, World?", keys, **AT)


async def test_slacks_documented_example_is_taken():
    """The command that Slack's guide to verifying requests signs step by step."""
    SLACK.verify(SLACK_SIGNED, SLACK_BODY, SLACK.keys(KEY), **AT)
    with pytest.raises(SignatureError, match="no signature matches"):
        SLACK.verify(SLACK_SIGNED | {"x-slack-request-timestamp": "1531420619"}, SLACK_BODY, SLACK.keys(KEY), **AT)
    with pytest.raises(SignatureError, match="timestamp"):
        SLACK.verify(SLACK_SIGNED, SLACK_BODY, SLACK.keys(KEY), now=1531420618.0 + 301, tolerance=300.0)


async def test_stripes_header_is_read_as_documented():
    """`t`, any number of `v1`, and schemes that are not read: `v0` is never taken for a signature."""
    keys = STRIPE.keys("whsec_0123456789abcdef0123456789abcdef")
    good = mac("whsec_0123456789abcdef0123456789abcdef", b"1492774577." + BODY).hexdigest()
    at = {"now": 1492774577.0 + 299, "tolerance": 300.0}
    STRIPE.verify({"stripe-signature": f"t=1492774577,v1={'0' * 64},v1={good},v0={'1' * 64}"}, BODY, keys, **at)
    for header in (
        f"t=1492774577,v0={good}",
        f"v1={good}",
        f"t=1492774578,v1={good}",
        f"t=x,v1={good}",
        "",
        ",,=,t,v1",
    ):
        with pytest.raises(SignatureError):
            STRIPE.verify({"stripe-signature": header}, BODY, keys, **at)


async def test_shopifys_signature_is_base64_of_the_body():
    """As `openssl dgst -sha256 -hmac … -binary | base64` prints it."""
    signature = base64.b64encode(hmac.new(KEY.encode(), BODY, hashlib.sha256).digest()).decode()
    SHOPIFY.verify({"x-shopify-hmac-sha256": signature}, BODY, SHOPIFY.keys(KEY), **AT)
    with pytest.raises(SignatureError):
        SHOPIFY.verify({"x-shopify-hmac-sha256": signature[:-4] + "AAA="}, BODY, SHOPIFY.keys(KEY), **AT)


async def test_the_compiler_knows_the_same_schemes():
    """Its words are ours, and the settings that it takes are the fields of the classes that have some."""
    assert set(webhooks.NAMES) == {*SCHEMES_BY_NAME, NONE}
    for word, scheme in (("hmac", Hmac), ("token", Token)):
        of = webhooks.OPTIONS[word]
        assert {each.name for each in of.fields} == {each.name for each in fields(scheme)} - {"about"}
        required = {each.name for each in fields(scheme) if each.default is MISSING}
        assert {each.name for each in of.fields if each.required} == required


@every_scheme
async def test_what_the_vendor_signed_starts_a_run(send, service, kind):
    """Without a token, as a run of the default tenant."""
    answer = await send()
    assert answer.status_code == 202, answer.text
    run = service.runs[answer.json()["id"]]
    assert (run.tenant, run.trigger, run.input) == ("default", "webhook:/hook", {"id": "a"})


@every_scheme
async def test_what_somebody_else_signed_is_refused(send, service, caplog, kind):
    """A 401 problem that says what is wrong and nothing of the secret; the log has nothing of it either."""
    other = OTHER_PASSWORD if kind == "basic" else OTHER
    for headers in (
        send.signs(BODY, key=other),
        dict.fromkeys(send.signs(BODY), ""),
        dict.fromkeys(send.signs(BODY), "\xff=,:\xfe"),
        dict.fromkeys(send.signs(BODY), "9" * 5000),
    ):
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = await send(**encoded)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused"), headers
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"]
        for text in (answer.text, caplog.text):
            assert secret_of(kind) not in text
            assert other not in text
    assert not service.runs


@pytest.mark.parametrize("kind", ["github", "slack", "stripe", "shopify", "hmac"])
async def test_every_byte_of_the_body_counts(send, service, kind):
    """The signature is one of the body as it came, before anything of it is read."""
    for body in (BODY + b" ", b"", b"\xff{", b"[" * 5000):
        answer = await send(body, **send.signs(BODY))
        assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused")
    assert not service.runs


@pytest.mark.parametrize("kind", ["slack", "stripe", "hmac"])
@pytest.mark.parametrize("age", [-400, 400, 10**8])
async def test_a_stale_delivery_is_refused(send, service, kind, age):
    """Where the vendor signs a time, it is held against ours."""
    answer = await send(**send.signs(BODY, at=time.time() - age))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature-refused")
    assert "timestamp" in answer.json()["detail"]
    assert not service.runs


@every_scheme
async def test_secrets_rotate(send, monkeypatch, kind):
    """With two secrets in the variable, one a line, either is taken."""
    new = secret_of(kind, other=True)
    monkeypatch.setenv("HOOK_SECRET", f"{new}\n{secret_of(kind)}\n")
    assert (await send()).status_code == 202
    assert (await send(**send.signs(BODY, key=new))).status_code == 202
    monkeypatch.setenv("HOOK_SECRET", new)
    assert (await send()).status_code == 401


@pytest.mark.parametrize("kind", ["basic", "token", "gitlab"])
async def test_a_secret_may_have_any_letters(send, monkeypatch, kind):
    """It is compared as UTF-8, which is how clients send it."""
    secret = "größe:straße-0123456789"
    monkeypatch.setenv("HOOK_SECRET", secret)
    headers = {name: text.encode() for name, text in send.signs(BODY, key=secret).items()}
    assert (await send(**headers)).status_code == 202


@pytest.mark.parametrize("scheme", [STANDARD, STRIPE, SLACK, SHOPIFY, Token()])
async def test_secrets_that_hold_no_spaces_are_parted_by_them(scheme):
    """What vendors make has no spaces in it, so they part as line ends do."""
    first, second = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "C2FVsBQIhrscChlQIMVb5sSYspob7oDD"
    assert len(scheme.keys(f"{first}  {second}")) == 2


@pytest.mark.parametrize("scheme", [GITHUB, Basic(), ACME])
async def test_secrets_that_people_make_may_hold_spaces(scheme):
    """So that no word of a passphrase is a secret of its own."""
    assert scheme.keys("it is: a long passphrase\r\n\n another: one of them ") == (
        b"it is: a long passphrase",
        b"another: one of them",
    )


@every_scheme
@pytest.mark.parametrize("text", [None, "", " \n ", "short", "a b"])
async def test_a_webhook_without_a_usable_secret_is_503(send, monkeypatch, caplog, kind, text):
    """A secret that is missing, or that could be guessed, lets nobody in; the log names the variable, not the value."""
    monkeypatch.delenv("HOOK_SECRET")
    if text is not None:
        monkeypatch.setenv("HOOK_SECRET", text)
    answer = await send()
    assert (answer.status_code, answer.json()["code"]) == (503, "webhook-not-configured")
    assert "HOOK_SECRET" in caplog.text
    assert "HOOK_SECRET" not in answer.text
    assert "short" not in caplog.text.replace("shorter", "")


@every_scheme
async def test_the_document_says_how_a_webhook_is_signed(send, kind):
    """OpenAPI names a scheme of its own for each way."""
    [scheme] = send.document()["components"]["securitySchemes"].keys() - {"token"}
    assert send.document()["paths"]["/hook"]["post"]["security"] == [{scheme: []}]


async def test_two_schemes_in_one_document_do_not_clash(connect):
    """Each route refers to the way it is signed, whatever the other is."""
    router = PipelineRouter(GRAPH, output=Output)
    for path, signature in (
        ("/a", ACME),
        ("/b", Hmac("X-Other")),
        ("/c", "github"),
        ("/d", Token("X-T")),
        ("/e", "basic"),
    ):

        @router.webhook(path, signature=signature, secret="env:HOOK_SECRET")
        async def receive(body: Input, deliver: Delivery) -> Response: ...

    app = FastAPI()
    app.include_router(router)
    document = app.openapi()
    used = {next(iter(document["paths"][path]["post"]["security"][0])) for path in ("/a", "/b", "/c", "/d", "/e")}
    assert len(used) == 5
    assert used <= document["components"]["securitySchemes"].keys()


@pytest.mark.parametrize("kind", ["slack"])
async def test_slacks_handshake_is_answered(send, service, kind):
    """`url_verification` gets its challenge back and starts nothing; unsigned it is refused like anything else."""
    body = b'{"token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "type": "url_verification"}'
    answer = await send(body)
    assert (answer.status_code, answer.json()) == (
        200,
        {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"},
    )
    assert not service.runs
    assert (await send(body, **slack(body, key=OTHER))).status_code == 401


@pytest.mark.parametrize("kind", ["github"])
async def test_githubs_ping_is_answered(send, service, kind):
    """A ping tells that the webhook was set up, and starts nothing; unsigned it is refused like anything else."""
    body = b'{"zen": "Design for failure.", "hook_id": 1}'
    answer = await send(body, **{"x-github-event": "ping"})
    assert (answer.status_code, answer.json()) == (200, {"pong": True})
    assert not service.runs
    assert (await send(body, **github(body, key=OTHER, **{"x-github-event": "ping"}))).status_code == 401


async def test_a_webhook_that_checks_nothing_says_so(furnish, connect, service):
    """`signature="none"` lets anyone start a run; it must be written, and takes no secret."""
    router = PipelineRouter(GRAPH, output=Output)

    @router.webhook("/open", signature="none")
    async def receive(body: Input, deliver: Delivery) -> Response:
        return await deliver(body)

    app = FastAPI()
    app.include_router(router)
    furnish(app)
    async with connect(app, None) as client:
        first = await client.post("/open", json={"id": "a"}, headers={"Idempotency-Key": "k"})
        again = await client.post("/open", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.json()) == (202, {**first.json(), "created": False})
    assert service.runs[first.json()["id"]].tenant == "default"
    assert "security" not in app.openapi()["paths"]["/open"]["post"]


@pytest.mark.parametrize(
    ("signature", "secret", "why"),
    [("none", "env:X", "takes no secret"), ("github", None, "needs a secret"), ("githb", "env:X", "unknown signature")],
)
async def test_a_signature_that_cannot_be_is_refused_at_import(signature, secret, why):
    """A secret where nothing is checked, none where something is, a scheme that is not there."""
    with pytest.raises(GraphError, match=why):
        PipelineRouter(GRAPH, output=Output).webhook("/x", signature=signature, secret=secret)


async def test_a_hmac_signs_bytes_that_are_no_text():
    """What is signed is the body as it came, and what stands in it is no placeholder; the digits may be capitals."""
    scheme = Hmac("X-S", algorithm="sha1", prefix="sha1=", signed="v1:{body}")
    body = b"\xff\xfe{body}"
    signature = mac(KEY, b"v1:" + body, "sha1").hexdigest().upper()
    scheme.verify({"x-s": f"sha1={signature}"}, body, scheme.keys(KEY), **AT)
