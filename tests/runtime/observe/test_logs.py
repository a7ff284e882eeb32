"""How records are written: for programs on one line, for people as text, without what is secret in either."""

import io
import json
import logging

import pytest

from saltern_runtime.graph import Connection
from saltern_runtime.observe.here import HERE, Where
from saltern_runtime.observe.logs import JsonFormatter, TextFormatter, is_json, secrets_of
from saltern_runtime.settings import LogForm, Settings, SettingsError
from tests.support.graphs import graph_of


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.fixture
def where():
    """Be in a stage."""
    token = HERE.set(Where("0-1", "each[2]/page", 3, "orders", "each/page", "orders.saltern:4:1", "a" * 32, "b" * 16))
    yield
    HERE.reset(token)


def broken():
    raise ValueError("a\nb")


def record(message="went\nwrong", **more):
    made = logging.LogRecord("shop", logging.WARNING, "x.py", 1, message, None, None)
    vars(made).update(more)
    return made


def test_a_record_is_one_line(where):
    """Whatever stands in it: breaks, quotes, what JSON knows nothing of, a traceback."""
    try:
        broken()
    except ValueError as error:
        made = record(what={"odd": object, "quote": '"'}, exc_info=(type(error), error, error.__traceback__))
    line = JsonFormatter({"service": "orders"}).format(made)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["service"], told["trace_id"]) == ("went\nwrong", "orders", "a" * 32)
    assert told["exception"].endswith("ValueError: a\nb")


def test_people_see_where_a_record_is_from(where):
    """Behind its first line."""
    first, *rest = TextFormatter().format(record()).split("\n")
    assert first.endswith("WARNING shop went [0-1 each[2]/page each/page orders.saltern:4:1]")
    assert rest == ["wrong"]


@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
def test_no_secret_is_written(formatter):
    """Neither in the message nor in what stands beside it."""
    line = formatter(secrets=("s3cret",)).format(record("a s3cret", more=["s3cret"], number=5))
    assert ("s3cret" in line, "a [secret]" in line) == (False, True)


def test_what_a_process_keeps_secret():
    """The secrets of its connections, and passwords in the store's address, as they stand there and as they are meant."""
    graph = graph_of("orders", connections=(Connection("shop", connector="http", secrets={"token": "env:TOKEN"}),))
    settings = Settings(redis_url="redis://:pass%2Fword@127.0.0.1/0")
    found = secrets_of(graph, settings, {"TOKEN": " abcdef\n", "HOOK": "signing", "OTHER": "no"}, ["env:HOOK", "OTHER"])
    assert set(found) == {"abcdef", "signing", "pass%2Fword", "pass/word"}


@pytest.mark.parametrize(
    ("form", "stream", "expected"),
    [("", io.StringIO, True), ("", Screen, False), ("json", Screen, True), ("text", io.StringIO, False)],
)
def test_the_form_of_logs(form, stream, expected):
    """As the setting says; without it, text for a terminal and JSON for all else."""
    assert is_json(LogForm(form), stream()) is expected


def test_an_unknown_form_is_refused():
    """With what there is."""
    with pytest.raises(SettingsError, match="SALTERN_LOGS='xml' is none of json, text"):
        Settings.from_env({"SALTERN_LOGS": "xml"})
