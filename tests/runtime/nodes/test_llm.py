"""llm.chat, through the real client, against the double."""

import json
from typing import Literal

import pytest
from pydantic import Field

from examples.doubles.openai import completion, rate_limited
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.models import Maybe, Model
from saltern_runtime.nodes import llm
from saltern_runtime.nodes.llm import ChatText, strict
from saltern_runtime.spec import ANY, DOUBLE, STRING, Bound, ListType, MapType, obj
from saltern_runtime.spec import Field as TypeField


class Classify(Model):
    category: Literal["billing", "bug", "other"]
    urgency: int


class Person(Model):
    name: str
    nick: Maybe[str] = None


class Family(Model):
    head: Person
    members: list[Person]
    home_town: str | None = Field(alias="home-town")
    pet: Person | None = None


def test_text_comes_back_without_a_response_type(context, openai_connection, openai_double):
    """The connection's model is asked, with the system text first."""
    answer = llm.chat(context(openai_connection), prompt="Say hello", system="Be kind")
    assert answer == ChatText(text="Say hello")
    (got,) = openai_double.received
    assert got.path == "/v1/chat/completions"
    assert got.headers["authorization"] == "Bearer sk-good"
    assert got.body == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Say hello"}],
    }


def test_a_response_type_gives_an_instance_of_it(context, openai_connection, openai_double):
    """The double refuses schemas that strict mode refuses, so an answer proves the schema."""
    answer = llm.chat(
        context(openai_connection), prompt="I was charged twice on my invoice, urgent!", response=Classify
    )
    assert answer == Classify(category="billing", urgency=3)
    asked = openai_double.received[0].body["response_format"]
    assert asked["type"] == "json_schema"
    assert (asked["json_schema"]["name"], asked["json_schema"]["strict"]) == ("Classify", True)


def test_nested_classes_aliases_and_absent_fields_survive_strict_mode(context, openai_connection, openai_double):
    """A field that may be absent is asked for as value-or-null, and its null is taken out again."""
    given = {
        "head": {"name": "Ann", "nick": None},
        "members": [{"name": "Bo", "nick": "B"}],
        "home-town": None,
        "pet": None,
    }
    openai_double.fail(completion(json.dumps(given)))
    answer = llm.chat(context(openai_connection), prompt="x", response=Family)
    assert answer.to_json() == {"head": {"name": "Ann"}, "members": [{"name": "Bo", "nick": "B"}], "home-town": None}
    echoed = llm.chat(context(openai_connection), prompt="Some words", response=Family)
    assert echoed.head.name == "Some words"


def test_the_schema_keeps_properties_that_are_called_like_keywords():
    """`title` and `default` are noise as keywords, and names like any other as properties."""

    class Odd(Model):
        title: str
        default: int

    sent = strict.response_format(Odd)["json_schema"]["schema"]
    assert sent["properties"] == {"title": {"type": "string"}, "default": {"type": "integer"}}
    assert strict.read('{"title": "a", "default": 1}', Odd) == Odd(title="a", default=1)


def test_options_are_sent_only_when_given(context, openai_connection, openai_double):
    """Compatible endpoints know `max_tokens`."""
    llm.chat(context(openai_connection), prompt="x", model="big", temperature=0.0, max_tokens=5)
    body = openai_double.received[0].body
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("big", 0.0, 5)


def test_the_idempotency_key_is_the_same_in_every_attempt_and_differs_between_calls(
    context, openai_connection, openai_double
):
    """It is made of run, path and call number, never of the attempt; the tenant's name stays at home."""
    first, again = context(openai_connection), context(openai_connection, attempt=2)
    llm.chat(first, prompt="x")
    llm.chat(again, prompt="x")
    llm.chat(again, prompt="x")
    keys = [got.headers["idempotency-key"] for got in openai_double.received]
    assert keys[0] == keys[1] != keys[2]
    assert "acme" not in keys[0]


@pytest.mark.parametrize(
    "fault",
    [
        {"json": {"choices": []}},
        {"json": {}},
        {"json": None},
        {"json": [1]},
        {"body": "<html>ok</html>"},
        {"body": "{", "headers": {"content-type": "application/json"}},
    ],
)
def test_what_is_no_completion_is_transient(context, openai_connection, openai_double, fault):
    """Proxies answer 200 with pages of their own."""
    openai_double.fail(fault)
    with pytest.raises(TransientError) as caught:
        llm.chat(context(openai_connection), prompt="x")
    assert caught.value.code == "invalid-response"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (completion(None, refusal="I cannot help with that."), "refused"),
        (completion(None, finish_reason="content_filter"), "refused"),
        (completion('{"category": "bil', finish_reason="length"), "truncated"),
    ],
)
def test_a_refusal_and_a_cut_answer_are_permanent(context, openai_connection, openai_double, fault, code):
    """The same question would end the same way."""
    openai_double.fail(fault)
    with pytest.raises(PermanentError) as caught:
        llm.chat(context(openai_connection), prompt="x", response=Classify)
    assert caught.value.code == code


def test_the_rate_limit_says_how_long_to_wait_and_is_tried_once(context, openai_connection, openai_double):
    """The client's own retries are off."""
    openai_double.fail(rate_limited(3))
    with pytest.raises(TransientError) as caught:
        llm.chat(context(openai_connection), prompt="x")
    assert (caught.value.code, caught.value.retry_after) == ("rate-limited", 3.0)
    assert len(openai_double.received) == 1


def test_an_empty_account_is_permanent(context, openai_connection, openai_double):
    """It comes as 429, but no waiting helps."""
    error = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
    openai_double.fail({"status": 429, "json": {"error": error}})
    with pytest.raises(PermanentError) as caught:
        llm.chat(context(openai_connection), prompt="x")
    assert caught.value.code == "quota-exhausted"


@pytest.mark.parametrize(
    ("status", "kind"), [(400, PermanentError), (404, PermanentError), (500, TransientError), (529, TransientError)]
)
def test_statuses_have_their_class(context, openai_connection, openai_double, status, kind):
    """4xx will fail again, 5xx may pass."""
    openai_double.fail({"status": status, "json": {"error": {"message": "no"}}})
    with pytest.raises(kind) as caught:
        llm.chat(context(openai_connection), prompt="x")
    assert caught.value.status == status


def test_a_bad_key_is_permanent_and_stays_out_of_the_message(context, openai_connection, openai_double, monkeypatch):
    """Errors are shown and stored; secrets are not."""
    monkeypatch.setenv("TEST_OPENAI_KEY", "sk-bad-and-secret")
    with pytest.raises(PermanentError) as caught:
        llm.chat(context(openai_connection), prompt="x")
    assert caught.value.code == "unauthorized"
    assert "sk-bad" not in str(caught.value)


@pytest.mark.parametrize(("fault", "code"), [({"delay": 30}, "timed-out"), ({"close": True}, "connection-lost")])
def test_an_answer_that_never_comes_is_ambiguous(context, openai_connection, openai_double, fault, code):
    """The model may have answered."""
    openai_double.fail(fault)
    with pytest.raises(TransientError) as caught:
        llm.chat(context(openai_connection, seconds=0.5), prompt="x")
    assert (caught.value.code, caught.value.ambiguous) == (code, True)


def test_a_refused_connection_is_not_ambiguous(context, openai_connection, closed_port, monkeypatch):
    """Nothing was sent."""
    monkeypatch.setenv("SALTERN_OPENAI_BASE_URL", f"http://127.0.0.1:{closed_port}/v1")
    with pytest.raises(TransientError) as caught:
        llm.chat(context(openai_connection), prompt="x")
    assert (caught.value.code, caught.value.ambiguous) == ("unreachable", False)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (STRING, "no object"),
        (obj({}), "no fields"),
        (obj({"a": STRING}, open=True), "open object"),
        (obj({"a": obj({"b": ListType(MapType(STRING))})}), "`a.b[]` has a map type"),
        (obj({"a": TypeField("a", ANY)}), "`a` has the type any"),
    ],
)
def test_response_types_that_no_model_can_be_held_to_are_problems(spec, response, words):
    """Strict structured outputs know every field."""
    (found,) = spec("llm.chat").check(Bound({}, {"response": response}))
    assert found.param == "response"
    assert words in found.message


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", 2.5), ("temperature", -1), ("max_tokens", 0), ("prompt", " ")]
)
def test_literals_out_of_bounds_are_problems(spec, name, value):
    """Found while compiling, not in a run."""
    (found,) = spec("llm.chat").check(Bound({name: value}, {name: DOUBLE}))
    assert found.param == name


def test_the_result_is_the_response_type_or_text(spec):
    """An object with `text` where no type is given."""
    wanted = obj({"a": STRING})
    assert spec("llm.chat").result(Bound({}, {"response": wanted})) == wanted
    assert spec("llm.chat").result(Bound({}, {})) == obj({"text": STRING})
