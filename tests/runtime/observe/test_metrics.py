"""The metrics of a service that did something, as Prometheus reads them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.graph import Stage, node
from saltern_runtime.observe.metrics import Collector
from saltern_runtime.settings import Settings
from tests.support.graphs import graph_of

PAGE = Path(__file__).parents[3] / "docs" / "observability.md"


@node("greet", type="template@1")
def greet(*, input: str) -> str:  # noqa: A002 - the name that generated functions use
    return f"hello {input}"


@node("shout", type="template@1")
def shout(*, greet: str) -> str:
    return greet.upper()


@pytest.fixture
def scraped(redis_url, service):
    """The text of a scrape after two runs."""
    graph = graph_of(service, Stage("greet", nodes=(greet,)), Stage("shout", nodes=(shout,)))
    with in_one_process(graph, redis_url=redis_url, settings=Settings(redis_url=redis_url)) as opened:
        for _ in range(2):
            run = opened.service.start("you", tenant="acme", trigger="api").run_id
            assert opened.finish(run, 20).state == "SUCCEEDED"
        opened.engine.tally.hand_over(True)
        registry = CollectorRegistry()
        registry.register(Collector(service, opened.service.figures))
        return generate_latest(registry).decode()


def value(text, name, **labels):
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found[0] if found else None


def test_claims_are_counted_by_their_result(scraped):
    """Each stage was claimed once; a worker that found nothing more asked for nothing."""
    assert value(scraped, "saltern_claims_total", result="hit") == 4
    assert value(scraped, "saltern_claims_total", result="empty") >= 2


def test_runs_by_state_are_shown(scraped):
    """Those that are over are counted, and none is open any more."""
    assert value(scraped, "saltern_runs_total", state="SUCCEEDED") == 2
    assert value(scraped, "saltern_open_runs", state="RUNNING") == 0
    assert value(scraped, "saltern_open_runs_oldest_seconds", state="RUNNING") == 0
    assert value(scraped, "saltern_timer_lag_seconds") >= 0


def test_no_label_grows_with_the_runs(scraped):
    """Runs, tenants and paths are no labels: each metric has as many series as there are stages, states and queues."""
    labels = {
        name for family in text_string_to_metric_families(scraped) for each in family.samples for name in each.labels
    }
    assert labels <= {
        "pipeline",
        "state",
        "stage",
        "kind",
        "queue",
        "connection",
        "result",
        "node",
        "optimized",
        "version",
        "le",
    }


def test_the_page_names_every_metric_and_no_other(scraped):
    """With its type and its labels, as they are exported."""
    shown = {
        (row[0], row[1])
        for row in re.findall(r"^\| `(saltern_\w+)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    }
    families = re.findall(r"^# TYPE (saltern_\w+) (\w+)$", scraped, re.MULTILINE)
    assert shown == {each for each in families if not each[0].endswith("_created")}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_wrong(scraped):
    """Names, types and units are what Prometheus' conventions ask for."""
    told = subprocess.run(["promtool", "check", "metrics"], input=scraped.encode(), capture_output=True, check=False)
    assert (told.returncode, told.stdout + told.stderr) == (0, b"")
