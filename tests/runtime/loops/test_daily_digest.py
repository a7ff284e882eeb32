"""daily_digest from its source to the message: compiled, imported, run by the engine against doubles through the real clients."""

from collections.abc import Iterator

import pytest

from examples.doubles.news import news
from saltern_compiler.driver import Source, compile_source, write_tree
from saltern_runtime.store.views import RunState
from tests.support.built import ROOT, importable
from tests.support.once import run_once

SITE = "https://hn.algolia.com"


@pytest.fixture
def site() -> Iterator:
    """Start a site of stories; every third page is gone."""
    with news() as double:
        yield double


@pytest.fixture
def graph(tmp_path, site, slack_double, openai_double, monkeypatch) -> Iterator:
    """The example as it stands, but that its stories come from the double."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-test")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("SALTERN_PRIVATE_NETWORKS", "127.0.0.0/8")
    text = Source.load(str(ROOT / "examples/daily_digest/daily_digest.saltern")).text
    assert SITE in text
    result = compile_source(text.replace(SITE, site.url), source_name="daily_digest.saltern")
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, tmp_path / "tree")
    with importable(tmp_path / "tree", "daily_digest") as load:
        yield load("graph").GRAPH


def test_the_digest_is_posted_without_the_stories_that_failed(graph, site, slack_double, redis_url) -> None:
    """Ten stories, three of whose pages are gone: the seven others are posted as one message, in the order of the list."""
    view = run_once(graph, {"limit": 10}, redis_url=redis_url)
    assert view.state is RunState.SUCCEEDED, view.failure
    assert view.output["posted"] == 7
    (sent,) = slack_double.received
    titles = [line.strip("*") for line in sent.body["text"].splitlines() if line.startswith("*Story")]
    assert titles == [f"Story {n}" for n in (0, 1, 3, 4, 6, 7, 9)]
    assert sum(request.path.startswith("/pages/") for request in site.received) == 10


def test_no_stories_are_an_empty_list(graph, site, slack_double, redis_url) -> None:
    """A list without items runs no body: the consumer gets an empty list, and Slack refuses the empty message."""
    view = run_once(graph, {"limit": 0}, redis_url=redis_url)
    assert view.state is RunState.FAILED
    assert view.failure is not None
    assert view.failure.node == "post"
    assert not any(request.path.startswith("/pages/") for request in site.received)


def test_a_schedule_gives_what_the_pipeline_takes(graph) -> None:
    """The schedule of the example carries its input, so that a tick can start a run as it is."""
    (schedule,) = graph.schedules.values()
    assert (schedule.cron, schedule.time_zone, schedule.catch_up) == ("0 7 * * 1-5", "Europe/Zurich", "last")
    assert graph.nodes["top"].adapters["input"].validate_python(schedule.input).limit == 10
