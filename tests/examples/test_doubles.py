"""The doubles of vendors as programs of their own."""

import json
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest


@pytest.mark.parametrize("name", ["slack", "openai", "web"])
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


def test_the_double_of_a_model_answers_by_the_words_of_a_ticket(openai_double):
    """Always the same for the same words, so that a demo makes sense."""
    schema = {
        "type": "object",
        "properties": {"category": {"enum": ["billing", "bug", "other"]}, "urgency": {"type": "integer"}},
        "required": ["category", "urgency"],
        "additionalProperties": False,
    }

    def ask(text):
        body = {
            "model": "m",
            "messages": [{"role": "user", "content": text}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "C", "strict": True, "schema": schema}},
        }
        headers = {"content-type": "application/json", "authorization": "Bearer sk-x"}
        with urlopen(
            Request(f"{openai_double.url}/chat/completions", data=json.dumps(body).encode(), headers=headers)
        ) as answer:
            return json.loads(json.load(answer)["choices"][0]["message"]["content"])

    assert ask("You charged my card twice, please refund, urgent") == {"category": "billing", "urgency": 3}
    assert ask("The app crashes with an error in production") == {"category": "bug", "urgency": 2}
    assert ask("Do you like salt?") == {"category": "other", "urgency": 1}
