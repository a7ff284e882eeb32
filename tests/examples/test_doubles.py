"""The doubles of vendors as programs of their own."""

import json
import subprocess
import sys
from urllib.request import Request, urlopen

import psycopg
import pytest


@pytest.mark.parametrize("name", ["bank", "slack", "openai", "web"])
def test_a_double_prints_its_url_serves_and_stops_when_told(name):
    """What it got can be asked for; a termination signal ends it cleanly."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"examples.doubles.{name}", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline().strip()
        root = "/".join(url.split("/")[:3])
        with urlopen(
            Request(
                f"{root}/_faults", data=b'[{"status": 200, "body": "ok"}]', headers={"content-type": "application/json"}
            )
        ) as answer:
            assert json.load(answer) == {"ok": True}
        with urlopen(f"{root}/thing?a=1") as answer:
            assert answer.read() == b"ok"
        with urlopen(f"{root}/_received") as answer:
            (got,) = json.load(answer)
        assert (got["method"], got["query"]) == ("GET", {"a": "1"})
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


def test_a_real_postgresql_starts_with_what_files_hold(tmp_path):
    """It prints its DSN once it can be used, and is gone with its process."""
    file = tmp_path / "things.sql"
    file.write_text("create table things (id int); insert into things values (7), (8);")
    command = [sys.executable, "-m", "examples.doubles.postgres", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        dsn = process.stdout.readline().strip()
        with psycopg.connect(dsn) as opened:
            assert opened.execute("select id from things order by id").fetchall() == [(7,), (8,)]
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)


def ask(double, text, **fields):
    """Ask the double of a model for an object with these fields."""
    schema = {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": text}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "C", "strict": True, "schema": schema}},
    }
    headers = {"content-type": "application/json", "authorization": "Bearer sk-x"}
    with urlopen(Request(f"{double.url}/chat/completions", data=json.dumps(body).encode(), headers=headers)) as answer:
        return json.loads(json.load(answer)["choices"][0]["message"]["content"])


def test_the_double_of_a_model_answers_by_the_words_of_a_ticket(openai_double):
    """Always the same for the same words, so that a demo makes sense."""
    fields = {"category": {"enum": ["billing", "bug", "other"]}, "urgency": {"type": "integer"}}
    said = ask(openai_double, "You charged my card twice, please refund, urgent", **fields)
    assert said == {"category": "billing", "urgency": 3}
    said = ask(openai_double, "The app crashes with an error in production", **fields)
    assert said == {"category": "bug", "urgency": 2}
    assert ask(openai_double, "Do you like salt?", **fields) == {"category": "other", "urgency": 1}


def test_the_double_of_a_model_reads_labelled_lines(openai_double):
    """What stands behind a field's name is its value, where it is of its type; a name within a line is no label."""
    fields = {
        name: {"type": kind} for name, kind in (("supplier", "string"), ("total", "number"), ("pages", "integer"))
    }
    said = ask(openai_double, "Sub total: 3\n  SUPPLIER : Acme \nTotal: 12.50\nPages: many", **fields)
    assert said == {"supplier": "Acme", "total": 12.5, "pages": 1}
