"""payment_watch from its source to the money: compiled, imported, run by the engine; the double of the bank calls the real API."""

import dataclasses
import socket
import threading

import httpx
import pytest
import uvicorn

from saltern_compiler.driver import Source, compile_source, write_tree
from saltern_compiler.driver.compile import check_loaded
from saltern_compiler.ir.canonical import digest
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.settings import Settings
from saltern_runtime.store.views import RunState
from tests.support.built import ROOT, importable

EXAMPLE = ROOT / "examples/payment_watch/payment_watch.saltern"
RESERVED, ORDERED = ("stock", "PUT", "/reservations/A-1"), ("bank", "POST", "/payments")
ASKED = ("bank", "GET", "/payments/1")
CLOSED, RELEASED = ("bank", "DELETE", "/payments/1"), ("stock", "DELETE", "/reservations/A-1")
ORDER = {"order": "A-1", "sku": "kettle", "quantity": 2, "amount": 4900, "patience": "PT0.2S", "pause": "PT0.01S"}


class Calls(list):
    """What the vendors were asked, in the order of all of them together; `broken` answers with a status instead."""

    def __init__(self):
        self.broken = {}

    def watch(self, name, double):
        answer = double.answer

        def watched(request):
            call = (name, request.method, request.path)
            self.append(call)
            status = self.broken.pop(call, None)
            given = answer(request)
            return given if status is None else dataclasses.replace(given, status=status)

        double.answer = watched


@pytest.fixture
def calls(bank_double, web_double):
    seen = Calls()
    seen.watch("bank", bank_double)
    seen.watch("stock", web_double)
    return seen


@pytest.fixture
def tree(tmp_path, bank_double, web_double, monkeypatch):
    """The example as it stands, but for the addresses of its vendors."""
    monkeypatch.setenv("STOCK_TOKEN", "stock-test")
    monkeypatch.setenv("BANK_TOKEN", "bank-test")
    text = EXAMPLE.read_text("utf-8")
    for address, double in {"https://bank.example.com": bank_double, "https://stock.example.com": web_double}.items():
        assert address in text
        text = text.replace(address, double.url)
    result = compile_source(text, source_name=EXAMPLE.name)
    assert result.diagnostics == ()
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "payment_watch") as load:
        yield load


@pytest.fixture
def process(tree, calls, redis_url):
    """A worker in this process, and the API at a real address, where the bank calls back."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = dataclasses.replace(Settings.from_env(), redis_url=redis_url, public_url=address)
    server = uvicorn.Server(uvicorn.Config(tree("").create_app(settings), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with in_one_process(tree("graph").GRAPH, redis_url=redis_url, settings=settings) as opened:
        yield opened
    server.should_exit = True
    thread.join()


def run(process, **given):
    started = process.service.start({**ORDER, **given}, tenant="default", trigger="api")
    return process.finish(started.run_id, 30)


def test_both_notations_are_the_same():
    """What a canvas saves has the digest of what a person writes."""
    results = [check_loaded(Source.load(str(EXAMPLE.with_suffix(kind)))) for kind in (".saltern", ".json")]
    assert [each.diagnostics for each in results] == [(), ()]
    written, drawn = (each.pipeline for each in results)
    assert digest(written) == digest(drawn)


def test_a_bank_that_calls_before_it_has_answered_is_heard(process, calls):
    """The call came while the order was on its way; it was kept, so nobody asked the bank and nothing was taken back."""
    view = run(process, account="DE-1")
    assert view.state is RunState.SUCCEEDED, view.failure
    assert view.output == {"payment": "1", "questions": 0, "asked_because": None}
    assert calls == [RESERVED, ORDERED]
    happened = [(event.type, event.path) for event in process.service.events(view.id)]
    assert happened.index(("stage.answered", "told")) < happened.index(("stage.succeeded", "payment"))


def test_a_bank_that_never_calls_is_asked(process, calls):
    """After the deadline the loop asks until the bank knows, and the output says why."""
    view = run(process, account="DE-silent")
    assert view.state is RunState.SUCCEEDED, view.failure
    assert view.output == {"payment": "1", "questions": 3, "asked_because": "no-answer"}
    assert calls == [RESERVED, ORDERED, ASKED, ASKED, ASKED]


def test_a_question_that_fails_is_asked_again(process, calls):
    """A bank that is down for a round costs a round, not the run."""
    calls.broken[ASKED] = 503
    view = run(process, account="DE-silent")
    assert view.state is RunState.SUCCEEDED, view.failure
    assert view.output["questions"] == 3
    assert calls.count(ASKED) == 3


@pytest.mark.parametrize(("account", "questions"), [("DE-refused", 0), ("DE-silent-refused", 3)])
def test_a_refused_payment_takes_everything_back(process, calls, account, questions):
    """Whether the bank says it or is asked: the payment is closed first, then the goods are released, and the run has failed."""
    view = run(process, account=account)
    assert view.state is RunState.FAILED
    assert view.failure.message == "The payment of the order A-1 is refused."
    assert calls == [RESERVED, ORDERED, *[ASKED] * questions, CLOSED, RELEASED]


def test_a_payment_that_stays_open_is_given_up(process, calls):
    """The loop goes on with what it has after its last round; what is still pending then is taken back."""
    view = run(process, account="DE-never", pause="PT0S")
    assert view.state is RunState.FAILED
    assert view.failure.message == "The payment of the order A-1 is pending."
    assert calls == [RESERVED, ORDERED, *[ASKED] * 20, CLOSED, RELEASED]


def test_an_order_that_the_bank_does_not_take_releases_the_goods(process, calls):
    """Only what succeeded is taken back: there is no payment to close."""
    view = run(process, account="DE-1", amount=0)
    assert (view.state, view.failure.node) == (RunState.FAILED, "payment")
    assert calls == [RESERVED, ORDERED, RELEASED]


def test_goods_that_are_not_there_are_not_paid(process, calls):
    """A reservation that is refused ends the run before the bank hears of it."""
    calls.broken[RESERVED] = 409
    view = run(process, account="DE-1")
    assert (view.state, view.failure.node) == (RunState.FAILED, "goods")
    assert calls == [RESERVED]


def test_goods_that_cannot_be_released_are_a_dead_letter(process, calls):
    """A compensation that fails is named on the run, which ends as it would have; the others are done."""
    calls.broken[CLOSED] = 404
    view = run(process, account="DE-refused")
    assert view.state is RunState.FAILED
    assert calls == [RESERVED, ORDERED, CLOSED, RELEASED]
    states = {node.id: str(node.state) for node in view.nodes}
    assert (states["close"], states["release"]) == ("DEAD", "SUCCEEDED")


def test_only_a_call_that_says_what_is_known_is_taken(process, bank_double, calls):
    """Anything else is refused, and the run still waits; the same call again is one."""
    started = process.service.start(
        {**ORDER, "account": "DE-never", "patience": "PT30S"}, tenant="default", trigger="api"
    )
    while not bank_double.received:
        process.step()
    notify = bank_double.received[0].body["notify"]
    assert httpx.post(notify, json={"status": "perhaps"}).status_code == 422
    assert httpx.post(notify, json={"status": "paid"}).json() == {"created": True}
    assert httpx.post(notify, json={"status": "paid"}).json() == {"created": False}
    view = process.finish(started.run_id, 30)
    assert (view.state, view.output["questions"]) == (RunState.SUCCEEDED, 0)
    assert calls == [RESERVED, ORDERED]


def test_a_call_that_comes_too_late_is_told_so(process, bank_double):
    """The loop has found it out meanwhile: the address takes nothing any more, and the output stays."""
    view = run(process, account="DE-silent")
    notify = bank_double.received[0].body["notify"]
    assert httpx.post(notify, json={"status": "refused"}).status_code == 410
    assert process.service.wait(view.id, 0).output == view.output


def test_the_pause_between_questions_grows(process):
    """Each round waits twice as long as the one before: so much is between the store's time and the time it wakes the run."""
    view = run(process, account="DE-silent", pause="PT0.1S")
    events = [event for event in process.service.events(view.id) if event.type == "stage.suspended"]
    assert [event.path for event in events] == ["asked[0]/pause", "asked[1]/pause", "asked[2]/pause"]
    assert [round(event.data["until"] - event.at, 1) for event in events] == [0.1, 0.2, 0.4]
