"""What a vendor sends again is one run: each is known by the name that its vendor gives a delivery."""

import json

import pytest

from saltern_runtime.errors import RunDroppedError
from tests.support.vendors import BODY

pytestmark = pytest.mark.anyio
EVENT = {"id": "a"}


def body_of(**more):
    return json.dumps(EVENT | more).encode()


SAME = [
    ("github", BODY, {"x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}),
    ("stripe", b'{"id": "evt_1"}', {}),
    ("slack", body_of(event_id="Ev08MFMKH6"), {}),
    ("shopify", BODY, {"x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"}),
    ("shopify", BODY, {"x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5"}),
    ("hmac", BODY, {}),
    ("basic", BODY, {"webhook-id": "msg_1"}),
    ("token", BODY, {"webhook-id": "msg_1"}),
    ("token", BODY, {"idempotency-key": "key_1"}),
    ("gitlab", BODY, {"x-gitlab-event-uuid": "13792a34-cac6-4fda-95a8-c58e00a3954e"}),
]


@pytest.mark.parametrize(("kind", "body", "headers"), SAME)
async def test_a_repeated_delivery_is_one_run(send, service, kind, body, headers):
    """The second one answers with the first run."""
    first = await send(body, **headers)
    again = await send(body, **headers)
    assert (first.status_code, first.json()["created"]) == (202, True)
    assert (again.status_code, again.json()) == (202, {**first.json(), "created": False})
    assert len(service.runs) == 1


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("github", (BODY, {"x-github-delivery": "1"}), (BODY, {"x-github-delivery": "2"})),
        ("github", (BODY, {}), (BODY, {})),
        ("stripe", (b'{"id": "evt_1"}', {}), (b'{"id": "evt_2"}', {})),
        ("slack", (body_of(event_id="Ev1"), {}), (body_of(event_id="Ev2"), {})),
        ("slack", (BODY, {}), (BODY, {})),
        (
            "shopify",
            (BODY, {"x-shopify-webhook-id": "1", "x-shopify-event-id": "9"}),
            (BODY, {"x-shopify-webhook-id": "2", "x-shopify-event-id": "9"}),
        ),
    ],
)
async def test_other_deliveries_are_runs_of_their_own(send, service, kind, one, other):
    """Another name, or none at all, starts another run: one event may be sent to several webhooks."""
    first, second = await send(one[0], **one[1]), await send(other[0], **other[1])
    assert (first.status_code, second.status_code) == (202, 202)
    assert len(service.runs) == 2


@pytest.mark.parametrize(("kind", "name"), [("github", "x-github-delivery"), ("gitlab", "x-gitlab-event-uuid")])
@pytest.mark.parametrize("text", ["x" * 201, "a b", "\xff"])
async def test_a_name_that_none_could_be_is_refused(send, service, kind, name, text):
    """A 400, so that no repeat of it becomes a run of its own unnoticed."""
    answer = await send(**{name: text.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-delivery-id")
    assert not service.runs


@pytest.mark.parametrize("kind", ["stripe", "slack"])
@pytest.mark.parametrize("body", [b"[1]", b"{", b"[" * 3000, b'{"id": 5, "event_id": {}}', b"\xff"])
async def test_a_signed_body_without_a_name_is_read_like_any_other(send, service, kind, body):
    """What is no object, or names nothing, is a problem of the body, never a 500."""
    assert (await send(body)).status_code in (400, 422)
    assert not service.runs


@pytest.mark.parametrize("kind", ["github"])
async def test_a_dropped_delivery(send, service, kind):
    """A vendor would send it again: it is answered 202 with the run that was there first."""
    service.broken = RunDroppedError("0-first")
    answer = await send(BODY, **{"x-github-delivery": "1"})
    assert (answer.status_code, answer.json()["id"], answer.json()["created"]) == (202, "0-first", False)
