"""What is about a person is shown to nobody but the one whose run it is, and to whom it is asked."""

import json

import pytest

from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.masking import PERSONAL
from saltern_runtime.runtext import lines
from saltern_runtime.settings import Settings
from saltern_runtime.web.models import awaited_json, event_json, page_json, run_json
from saltern_runtime.web.operating import _letter_json as letter_json
from tests.support.marking import NOTE, PAYER, WORD, decided, marked_graph, started, until_it_waits


@pytest.fixture(scope="module")
def graph():
    with marked_graph() as made:
        yield made


@pytest.fixture
def process(graph, redis_url, service):
    graph.name = service
    settings = Settings(lease=2.0, sweep=0.02, public_url="https://x.example")
    with in_one_process(graph, redis_url=redis_url, settings=settings) as opened:
        yield opened


def shown(process, run_id):
    """Write a run as pages have it, with its events, its dead letters, what a terminal shows of it, and the listing."""
    view = process.service.get(run_id, "acme")
    as_json = run_json(view, process.service.graph.hidden(view.pipeline), whole=False)
    events = [event_json(event, "x") for event in process.service.events(run_id)]
    letters = [letter_json(letter) for letter in process.service.operator.letters_of(run_id, "acme")]
    return as_json, json.dumps([as_json, events, letters, page_json(process.service.list("acme"))]) + "\n".join(
        lines(as_json, None, color=False)
    )


def test_nothing_about_a_person_is_shown(process, caplog):
    """Not its input, its output, its failures, its letters, what is asked, its events, or the log: whatever ran, and however it ended."""
    waiting, failed, done = (started(process) for _ in range(3))
    for run_id in (waiting, failed, done):
        until_it_waits(process, run_id)
    decided(process, failed, "reject")
    decided(process, done, "approve")
    for run_id in (waiting, failed, done):
        as_json, text = shown(process, run_id)
        assert WORD not in text.replace(f"{WORD}.txt", "")  # the name of a file has no mark
        assert PAYER not in text
        assert as_json["input"]["word"] == as_json["input"]["words"] == PERSONAL
    assert WORD not in caplog.text
    assert PAYER not in caplog.text
    as_json, text = shown(process, failed)
    assert as_json["failure"]["message"] == f"{PERSONAL} refuses {PERSONAL}: said by {NOTE}"
    assert f"no {PERSONAL} here" in text
    as_json, text = shown(process, waiting)
    assert [each["text"] for each in as_json["awaits"] if each["path"] == "asked"] == [f"Is {PERSONAL} right?"]
    assert f"Is {PERSONAL} right?" in text.partition("stage.asked")[2]
    as_json, _ = shown(process, done)
    assert {as_json["output"][name] for name in ("word", "caught", "paid", "state", "raced", "called")} == {PERSONAL}
    assert as_json["output"]["size"] == 9000 * (2 * len(WORD) + 2)


def test_who_has_to_know_is_told(process):
    """The caller gets the output, whoever is asked reads the question, and what the run goes on with is the word itself."""
    run_id = started(process)
    until_it_waits(process, run_id)
    assert awaited_json(process.service.awaited(run_id, "asked"))["text"] == f"Is {WORD}-x right?"
    view = decided(process, run_id, "approve")
    as_json = run_json(view, process.service.graph.hidden(view.pipeline))
    assert as_json["output"]["word"] == f"{WORD}-x"
    assert as_json["input"]["word"] == PERSONAL
