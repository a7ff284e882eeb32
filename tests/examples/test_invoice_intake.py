"""invoice_intake from its source to the message: a double of the model and of Slack through the real clients, a real PostgreSQL."""

import re
from urllib.parse import urlsplit

import psycopg
import pytest

from examples.doubles.openai import completion
from saltern_runtime.store.views import RunState
from tests.support.built import ROOT
from tests.support.served import served

BOOKS = (ROOT / "examples/invoice_intake/books.sql").read_text("utf-8")


def invoice(total="420.00", *, supplier="Acme Paper", order="PO-118", number="R-7"):
    """Write an invoice as it may arrive."""
    return f"Invoice of the week\nNumber: {number}\nSupplier: {supplier}\nYour order: 4711\nOrder: {order}\nTotal: {total}\n"


LARGE = invoice("18200.00", order="po-207, as agreed")


@pytest.fixture
def payables(postgres_dsn, monkeypatch):
    """Make books with two suppliers and four orders; read what accounting was handed."""
    monkeypatch.setenv("BOOKS_DSN", postgres_dsn)
    with psycopg.connect(postgres_dsn, autocommit=True) as books:
        books.execute(BOOKS)

    def read():
        with psycopg.connect(postgres_dsn) as opened:
            return opened.execute("select id, cents, cost_center from payables").fetchall()

    return read


@pytest.fixture
def posted(slack_double, monkeypatch):
    """Read what Slack was sent: channel and text."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-test")
    return lambda: [(each.body["channel"], each.body["text"]) for each in slack_double.received]


@pytest.fixture
def serve(tmp_path, redis_url, request, monkeypatch):
    """Serve the example on these books."""
    for name in ("payables", "posted", "openai_double"):
        request.getfixturevalue(name)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return lambda replaced: served("invoice_intake", tmp_path, redis_url, replaced)


@pytest.fixture
def service(serve):
    with serve({}) as opened:
        yield opened


def test_a_small_invoice_is_paid_without_asking(service, posted, payables):
    """What fits its order and costs less than the limit goes through; one message says so."""
    view = service.run({"id": "m-1", "text": invoice()})
    assert view.state is RunState.SUCCEEDED, view.failure
    assert view.output == {"outcome": "pay", "number": "R-7", "cents": 42000, "problem": "", "decided_by": None}
    assert payables() == [("m-1", 42000, "general")]
    assert posted() == [("#invoices", "Acme Paper, invoice R-7: pay")]


def test_the_limit_itself_is_not_over_it(service, posted):
    """A thousand is paid, a cent more is asked about."""
    assert service.run({"id": "m-1", "text": invoice("1000.00", order="PO-119")}).output["outcome"] == "pay"
    assert [channel for channel, _ in posted()] == ["#invoices"]


def test_a_large_invoice_is_paid_once_someone_says_so(service, posted, payables):
    """The message in #finance has a link at which whoever holds it decides; what they fill in is kept with the payment."""
    run_id = service.start({"id": "m-2", "text": LARGE})
    service.waiting(run_id)
    assert payables() == []
    ((channel, text),) = posted()
    assert (channel, text.splitlines()[0]) == ("#finance", "Pay 18200.00 to Acme Paper for PO-207?")
    link = urlsplit(re.search(r"<(.*)\|Decide>", text)[1]).path
    wrong = service.client.post(link, json={"decision": "hold"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "answer-refused")
    decision = {"decision": "pay", "by": "Ada", "fields": {"cost_center": "print"}}
    assert service.client.post(link, json=decision).status_code == 202
    view = service.worker.finish(run_id, 30)
    assert view.output == {"outcome": "pay", "number": "R-7", "cents": 1820000, "problem": "", "decided_by": "Ada"}
    assert payables() == [("m-2", 1820000, "print")]
    assert posted()[1:] == [("#invoices", "Acme Paper, invoice R-7: pay")]


def test_a_rejected_invoice_is_not_paid(service, posted, payables):
    """Without fields too; the run succeeds, for it did what it is for."""
    run_id = service.start({"id": "m-3", "text": LARGE})
    service.waiting(run_id)
    assert service.worker.service.answer(run_id, "asked", {"decision": "reject"}).status == "ok"
    view = service.worker.finish(run_id, 30)
    assert (view.state, view.output["outcome"], payables()) == (RunState.SUCCEEDED, "reject", [])
    assert posted()[-1] == ("#invoices", "Acme Paper, invoice R-7: reject")


def test_an_invoice_that_nobody_decides_on_is_held(serve, posted, payables):
    """The default is decided after the deadline, by nobody; who comes later is told that it is decided."""
    with serve({"deadline: 2d": "deadline: 300ms"}) as service:
        view = service.run({"id": "m-4", "text": LARGE})
        late = service.worker.service.answer(view.id, "asked", {"decision": "pay"})
    assert (view.output["outcome"], view.output["decided_by"], payables()) == ("hold", None, [])
    assert late.status != "ok"
    assert posted()[-1] == ("#invoices", "Acme Paper, invoice R-7: hold")


@pytest.mark.parametrize(
    "case",
    [
        (invoice(supplier="Evil Twin"), "unknown supplier"),
        (invoice(order="none"), "no such order of this supplier"),
        (invoice(order="PO-999"), "no such order of this supplier"),
        (invoice(order="PO-300"), "no such order of this supplier"),
        (invoice("420.01"), "the order is over 420.00"),
        (invoice("99999.00", supplier="'; drop table suppliers; --"), "unknown supplier"),
    ],
)
def test_what_does_not_fit_the_books_is_refused(service, posted, payables, case):
    """However much it is over, nobody is asked, nothing is paid, and the message says what is wrong."""
    text, problem = case
    view = service.run({"id": "m-5", "text": text})
    assert (view.output["outcome"], view.output["problem"], payables()) == ("refuse", problem, [])
    ((channel, said),) = posted()
    assert (channel, said.endswith(f": refuse, {problem}")) == ("#invoices", True)


def test_an_answer_of_the_model_that_is_none_is_asked_for_again(service, openai_double):
    """The type holds the model to it: what lacks a field never reaches the books."""
    openai_double.fail(completion('{"number": "R-7"}'))
    view = service.run({"id": "m-6", "text": invoice()})
    assert (view.output["outcome"], len(openai_double.received)) == ("pay", 2)


def test_a_model_that_refuses_fails_the_run(service, openai_double, posted, payables):
    """Nothing is paid on a guess, and nobody hears of an invoice that was not read."""
    openai_double.fail(completion(None, refusal="I cannot read this."))
    view = service.run({"id": "m-7", "text": invoice()})
    assert (view.state, view.failure.node) == (RunState.FAILED, "invoice")
    assert (posted(), payables()) == ([], [])
