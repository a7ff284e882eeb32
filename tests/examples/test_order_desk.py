"""order_desk from its source to the answer: signed deliveries to its webhook, doubles behind the real clients, a real PostgreSQL."""

import json
import uuid
from datetime import UTC, datetime

import psycopg
import pytest
from standardwebhooks import Webhook

from saltern_runtime.store.views import RunState
from tests.support.built import ROOT
from tests.support.served import served

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SHOP = (ROOT / "examples/order_desk/shop.sql").read_text("utf-8")
ORDER = {
    "order": "A/7",
    "member": False,
    "lines": [{"sku": "tea", "quantity": 2}, {"sku": "kettle", "quantity": 1}],
    "note": "Ring twice, urgent.",
}


@pytest.fixture
def kept(postgres_dsn, monkeypatch):
    """Make a shop with three articles; read the orders that it has taken."""
    monkeypatch.setenv("SHOP_DSN", postgres_dsn)
    with psycopg.connect(postgres_dsn, autocommit=True) as shop:
        shop.execute(SHOP)

    def read():
        with psycopg.connect(postgres_dsn) as opened:
            return opened.execute("select id, cents from orders").fetchall()

    return read


@pytest.fixture
def asked(openai_double, monkeypatch):
    """Give both models a key that is good, unless a test says otherwise; what they were asked."""
    monkeypatch.setenv("QUICK_MODEL_KEY", "sk-quick")
    monkeypatch.setenv("CAREFUL_MODEL_KEY", "sk-careful")
    return openai_double.received


@pytest.fixture
def sent(slack_double, monkeypatch):
    """What the warehouse was sent."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-test")
    return slack_double.received


@pytest.fixture
def service(tmp_path, redis_url, request, monkeypatch):
    """Serve the example to the shop, which waits for an answer as long as a busy machine may take."""
    for name in ("kept", "asked", "sent"):
        request.getfixturevalue(name)
    monkeypatch.setenv("ORDERS_SECRET", SECRET)
    with served("order_desk", tmp_path, redis_url, {"respond: 10s": "respond: 60s"}) as opened:
        yield opened


def deliver(service, order, *, identity=None, secret=SECRET):
    """Send an order as its shop would, and wait for the answer."""
    identity = identity or f"msg_{uuid.uuid4().hex}"
    body = json.dumps(order)
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, now, body),
    }
    with service.working():
        return service.client.post("/orders", content=body, headers=headers)


def ended(service, answer):
    """Work until the run behind an answer is over."""
    return service.worker.finish(answer.headers["location"].rpartition("/")[2], 30)


def test_an_order_is_answered_with_its_price(service, sent, kept):
    """The answer is there before the models are asked; the warehouse hears what one of them made of the note."""
    answer = deliver(service, ORDER)
    assert (answer.status_code, answer.json()) == (201, {"order": "A/7", "cents": 9800})
    assert answer.headers["x-order"] == "A%2F7"
    assert kept() == [("A/7", 9800)]
    view = ended(service, answer)
    assert view.state is RunState.SUCCEEDED, view.failure
    assert (view.output["cents"], view.output["refused"]) == (9800, "")
    assert view.output["read_by"] in ("quick", "careful")
    (message,) = sent
    assert message.body["channel"] == "#warehouse"
    assert message.body["text"].startswith("Order A/7 (urgent): ")


def test_members_pay_less(service):
    """The pipeline that is called decides on the price, from what it is handed."""
    answer = deliver(service, ORDER | {"member": True})
    assert (answer.json()["cents"], ended(service, answer).output["cents"]) == (9310, 9310)


@pytest.mark.parametrize(
    "case",
    [
        ([], "nothing is ordered"),
        ([{"sku": "tea", "quantity": 0}], "a quantity is less than 1"),
        (
            [{"sku": sku, "quantity": 1} for sku in ("tea", "salt", "oil", "salt")],
            "not in the price list: salt, oil",
        ),
    ],
)
def test_an_order_that_cannot_be_taken_is_a_422(service, asked, sent, kept, case):
    """It says why; nothing is kept, no model is asked, the warehouse hears nothing."""
    lines, why = case
    answer = deliver(service, ORDER | {"lines": lines})
    assert (answer.status_code, answer.json()) == (422, {"order": "A/7", "why": why})
    view = ended(service, answer)
    assert (view.state, view.output["refused"], view.output["read_by"]) == (RunState.SUCCEEDED, why, None)
    assert (kept(), asked, sent) == ([], [], [])


@pytest.mark.parametrize(("broken", "winner"), [("QUICK_MODEL_KEY", "careful"), ("CAREFUL_MODEL_KEY", "quick")])
def test_a_model_that_fails_leaves_the_race_to_the_other(service, sent, monkeypatch, broken, winner):
    """One key is refused; the order is read all the same, and the run says by whom."""
    monkeypatch.setenv(broken, "sk-bad")
    view = ended(service, deliver(service, ORDER))
    assert (view.state, view.output["read_by"]) == (RunState.SUCCEEDED, winner)
    assert len(sent) == 1


def test_an_order_is_taken_even_where_no_model_answers(service, sent, monkeypatch, kept):
    """The customer has the answer by then: the run fails behind it, and shows where."""
    for name in ("QUICK_MODEL_KEY", "CAREFUL_MODEL_KEY"):
        monkeypatch.setenv(name, "sk-bad")
    answer = deliver(service, ORDER)
    assert (answer.status_code, kept()) == (201, [("A/7", 9800)])
    view = ended(service, answer)
    assert (view.state, view.failure.node, view.failure.code) == (RunState.FAILED, "wish", "race-failed")
    assert sent == []


def test_a_delivery_that_comes_again_is_one_order(service, sent):
    """It gets the first answer, and the warehouse packs once."""
    identity = f"msg_{uuid.uuid4().hex}"
    first = deliver(service, ORDER, identity=identity)
    again = deliver(service, ORDER, identity=identity)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    ended(service, first)
    assert len(sent) == 1


def test_an_order_that_nobody_signed_starts_nothing(service, asked, kept):
    """A signature of another key is a 401."""
    answer = deliver(service, ORDER, secret="whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
    assert (answer.status_code, kept(), asked) == (401, [], [])


def test_a_price_list_that_is_gone_is_a_500(service, postgres_dsn):
    """A run that fails before it answers says no more than that; the node inside of what was called is named in the run."""
    with psycopg.connect(postgres_dsn, autocommit=True) as shop:
        shop.execute("drop table prices")
    answer = deliver(service, ORDER)
    assert (answer.status_code, answer.json()["code"]) == (500, "run-failed")
    assert ended(service, answer).failure.node == "price/listed"
