"""Answers of models as they come: what is read out of them, what is refused, and what is asked again."""

import json
from typing import Literal

import pytest
from pydantic import Field

from examples.doubles.openai import completion
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.models import Maybe, Model
from saltern_runtime.nodes import llm
from saltern_runtime.spec import Bound


class Verdict(Model):
    category: Literal["billing", "bug"]
    urgency: int


class Line(Model):
    name: str
    price: float


class Mixed(Model):
    key: int | str
    level: Literal[1, 2]
    sure: bool
    lines: list[Line]
    note: Maybe[str] = None
    parent: Line | None = Field(alias="parent-line")


WANTED = {"category": "bug", "urgency": 5}
PLAIN = json.dumps(WANTED)
MIXED = {"key": "5", "level": 2, "sure": True, "lines": [{"name": "1", "price": 2.5}], "parent-line": None}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"```json\n{PLAIN}\n```", id="fence"),
        pytest.param(f"```\n{PLAIN}\n```\n", id="fence without a language"),
        pytest.param(f"````md\n```json\n{PLAIN}\n```\n````", id="nested fences"),
        pytest.param(f"```json\n{PLAIN}", id="fence that is not closed"),
        pytest.param(f"~~~json\r\n{PLAIN}\r\n~~~", id="tilde fence"),
        pytest.param(f"<think>\nIs it {{billing}}? No.\n</think>\n{PLAIN}", id="thinking"),
        pytest.param(f'<think>{{"category": "billing", "urgency": 1}}?</think>{PLAIN}', id="thinking with a draft"),
        pytest.param(f'Perhaps {{"category": "billing", "urgency": 1}} …\n</think>\n{PLAIN}', id="thinking not opened"),
        pytest.param(f'Perhaps {{"category": \n</think>\n{PLAIN}', id="broken draft, thinking not opened"),
        pytest.param("{</think>" * 10 + PLAIN, id="many broken drafts"),
        pytest.param(f"<Thinking>a</Thinking> <think>b</think>{PLAIN}", id="thinking twice"),
        pytest.param(f"Here you are:\n\n{PLAIN}", id="prose before"),
        pytest.param(f"{PLAIN}\n\nLet me know, if [1] or {{x}} helps!", id="prose after"),
        pytest.param(f"It's {{a}} of [b]: {PLAIN} — don't \"wait\".", id="prose with brackets and quotes"),
        pytest.param(f'Out of {{"subject": "It crashes"}} comes {PLAIN}', id="the question's JSON before"),
        pytest.param(f'{PLAIN} or {{"category": "sales", "urgency": 6}} or {{}}', id="others that do not fit"),
        pytest.param(f"{PLAIN} {PLAIN}", id="the same twice"),
        pytest.param(f"\ufeff{PLAIN}", id="byte order mark"),
        pytest.param(f"\u00a0\u200b{PLAIN}\u2028", id="blanks that JSON does not know"),
        pytest.param('{"category": "bug", "urgency": 5,}', id="trailing comma"),
        pytest.param('{"category": "bug", "urgency": 5, "why": [{"a": 1,},]\n,}', id="trailing commas inside"),
        pytest.param('{"category": "bug", "urgency": 5, "reasoning": "…"}', id="a field that was not asked for"),
        pytest.param('{"category": "bug", "urgency": "5"}', id="int as text"),
        pytest.param('{"category": "bug", "urgency": 5.0}', id="int with a fraction of zero"),
        pytest.param('{"category": "bug", "urgency": 0.5e1}', id="int with an exponent"),
        pytest.param('{"category": "bug", "urgency": " 5.0 "}', id="int as text, both"),
        pytest.param('{"urgency": 5, "category": "bug", "urgency": 5}', id="the same field twice, alike"),
    ],
)
def test_an_answer_is_read_as_it_comes(context, openai_connection, openai_double, content):
    """What was asked for is in it once: nothing is asked again."""
    openai_double.fail(completion(content))
    answer = llm.chat(context(openai_connection), prompt="x", response=Verdict, repair=0)
    assert answer.to_json() == WANTED
    assert len(openai_double.received) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("I think it is billing.", "holds no JSON object"),
        ("", "holds no JSON object"),
        ("null", "holds no JSON object"),
        ("[]", "holds no JSON object"),
        (f"[{PLAIN}]", "holds no JSON object"),
        ('[{"category": "bug", "urgency": 5}, {"cat', "no valid JSON"),
        (json.dumps(PLAIN), "no valid JSON"),
        (f"<think>It is {PLAIN}", "holds no JSON object"),
        (f"<think>It is {PLAIN}</think> as said", "holds no JSON object"),
        ("{'category': 'bug', 'urgency': 5}", "no valid JSON"),
        ('{category: "bug", urgency: 5}', "no valid JSON"),
        ('{"category": "bug", "urgency": 5', "no valid JSON"),
        ('{"category": "bug" "urgency": 5}', "no valid JSON"),
        ('{"category": "bug", "urgency": 5,,}', "no valid JSON"),
        ('{, "category": "bug", "urgency": 5}', "no valid JSON"),
        (f'{{"answer": {PLAIN}, broken}}', "no valid JSON"),
        ('{"category": "bug", "urgency": NaN}', "no valid JSON"),
        ('{"category": "bug", "urgency": 5, "score": -Infinity}', "no valid JSON"),
        ('{"category": "bug", "urgency": 5, "score": 1e400}', "no valid JSON"),
        ('{"category": "bug", "urgency": 5, "urgency": 6}', "no valid JSON"),
        (f'{{"category": "bug", "urgency": {"9" * 5000}}}', "no valid JSON"),
        (f'{PLAIN} or {{"category": "bug", "urgency": 6}}', "2 different answers"),
        (f'{{"answer": {PLAIN}}}', "`category` is missing"),
        ('{"category": "bug"}', "`urgency` is missing"),
        ('{"Category": "bug", "urgency": 5}', "`category` is missing"),
        ('{"category": "sales", "urgency": 5}', "`category`"),
        ('{"category": "Bug", "urgency": 5}', "`category`"),
        ('{"category": ["bug"], "urgency": 5}', "`category`"),
        ('{"category": "bug", "urgency": 5.5}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": "5.5"}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": "five"}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": "1,000"}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": "\\u0665"}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": ""}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": true}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": null}', "`urgency` is no integer"),
        ('{"category": "bug", "urgency": 9223372036854775808}', "`urgency` is no integer of 64 bits"),
        ('{"category": "bug", "urgency": "-9223372036854775809"}', "`urgency` is no integer of 64 bits"),
        ('{"category": "bug", "urgency": 1e300}', "`urgency` is no integer of 64 bits"),
        ('{"category": "bug", "urgency": "1e999999999"}', "`urgency` is no integer of 64 bits"),
        ("[" * 100_000, "no valid JSON"),
        ("{" * 100_000, "no valid JSON"),
        ('{"a":' * 100_000, "no valid JSON"),
        ("{</think>" * 2000 + PLAIN, "no valid JSON"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(context, openai_connection, openai_double, content, words):
    """The error says what is wrong where, and never the answer's values, which may be personal."""
    openai_double.fail(completion(content))
    with pytest.raises(TransientError) as caught:
        llm.chat(context(openai_connection), prompt="x", response=Verdict, repair=0)
    assert caught.value.code == "invalid-response"
    assert words in str(caught.value)
    assert "sales" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, {}),
        ({"key": 5}, {"key": 5}),
        ({"key": True}, None),
        ({"level": "2"}, {}),
        ({"level": 2.0}, {}),
        ({"level": 3}, None),
        ({"level": True}, None),
        ({"sure": "true"}, {}),
        ({"sure": "True"}, None),
        ({"sure": "yes"}, None),
        ({"sure": 1}, None),
        ({"lines": [{"name": "1", "price": "2.5", "more": 1}]}, {}),
        ({"lines": [{"name": "1", "price": 2}]}, {"lines": [{"name": "1", "price": 2.0}]}),
        ({"lines": [{"name": 1, "price": 2.5}]}, None),
        ({"lines": [{"name": "1", "price": "Infinity"}]}, None),
        ({"lines": [{"name": "1", "price": "2,5"}]}, None),
        ({"lines": {"name": "1", "price": 2.5}}, None),
        ({"note": None}, {}),
        ({"note": "\ud83d\ude00"}, {"note": "😀"}),
        ({"note": "\ud800"}, None),
        ({"parent-line": {"name": "a", "price": "1", "x": 0}}, {"parent-line": {"name": "a", "price": 1.0}}),
        ({"parent-line": "null"}, None),
    ],
)
def test_values_are_read_by_their_types_all_the_way_down(context, openai_connection, openai_double, given, read):
    """A text that fits as it is stays a text; numbers and booleans are read out of it where nothing else can be meant."""
    openai_double.fail(completion(json.dumps(MIXED | given)))
    if read is None:
        with pytest.raises(TransientError, match="is no Mixed"):
            llm.chat(context(openai_connection), prompt="x", response=Mixed, repair=0)
        return
    assert llm.chat(context(openai_connection), prompt="x", response=Mixed, repair=0).to_json() == MIXED | read


def test_a_model_is_told_what_is_wrong_inside_the_attempt(context, openai_connection, openai_double):
    """Its answer and the finding follow the question; each call has an idempotency key of its own."""
    openai_double.fail(
        completion('{"category": "bug"}'), completion('{"category": "bug", "urgency": "?"}'), completion(PLAIN)
    )
    answer = llm.chat(context(openai_connection), prompt="Judge this", response=Verdict)
    assert answer.to_json() == WANTED
    first, second, third = (got.body["messages"] for got in openai_double.received)
    assert first == [{"role": "user", "content": "Judge this"}]
    assert [each["role"] for each in second] == ["user", "assistant", "user"]
    assert second[1]["content"] == '{"category": "bug"}'
    assert "`urgency` is missing" in second[2]["content"]
    assert third[:3] == second
    assert "`urgency` is no integer" in third[4]["content"]
    assert len({got.headers["idempotency-key"] for got in openai_double.received}) == 3


@pytest.mark.parametrize(("repair", "calls"), [(None, 3), (0, 1), (1, 2)])
def test_it_is_told_so_often_and_no_more(context, openai_connection, openai_double, repair, calls):
    """Twice where nothing is said; then the attempt has failed."""
    openai_double.fail(*[completion("no")] * 5)
    asked = {} if repair is None else {"repair": repair}
    with pytest.raises(TransientError) as caught:
        llm.chat(context(openai_connection), prompt="x", response=Verdict, **asked)
    assert caught.value.code == "invalid-response"
    assert len(openai_double.received) == calls


def test_an_answer_without_text_is_not_sent_back(context, openai_connection, openai_double):
    """There is nothing to say of it."""
    openai_double.fail(completion(None), completion(PLAIN))
    with pytest.raises(TransientError):
        llm.chat(context(openai_connection), prompt="x", response=Verdict)
    assert len(openai_double.received) == 1


def test_a_refusal_while_it_mends_ends_the_attempt(context, openai_connection, openai_double):
    """Whatever ends a call ends the mending."""
    openai_double.fail(completion("no"), completion(None, refusal="I cannot."))
    with pytest.raises(PermanentError) as caught:
        llm.chat(context(openai_connection), prompt="x", response=Verdict)
    assert caught.value.code == "refused"


@pytest.mark.parametrize("repair", [-1, 11])
def test_a_repair_out_of_bounds_is_a_problem(spec, repair):
    """Found while compiling, not in a run."""
    (found,) = spec("llm.chat").check(Bound({"repair": repair}, {}))
    assert found.param == "repair"
