"""slack.post_message, through the real client, against the double."""

import pytest

from examples.doubles.slack import rate_limited
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.nodes import slack
from saltern_runtime.nodes.slack import SlackMessage
from saltern_runtime.spec import STRING, Bound


def test_a_message_arrives_with_token_and_text_and_gives_channel_and_ts(context, slack_connection, slack_double):
    """The channel's name becomes its id, the text arrives untouched whatever stands in it."""
    text = 'two "quotes", {{ braces }}, <!channel>, \N{SNOWMAN}\n& more'
    sent = slack.post_message(context(slack_connection), channel="#billing", text=text)
    assert isinstance(sent, SlackMessage)
    assert sent.channel.startswith("C")
    (got,) = slack_double.received
    assert got.headers["authorization"] == "Bearer xoxb-good"
    assert (got.body["channel"], got.body["text"]) == ("#billing", text)
    assert "thread_ts" not in got.body


def test_an_answer_in_a_thread_names_its_message(context, slack_connection, slack_double):
    """`thread_ts` goes along."""
    first = slack.post_message(context(slack_connection), channel="#dev", text="a")
    second = slack.post_message(context(slack_connection), channel="#dev", text="b", thread_ts=first.ts)
    assert second.ts != first.ts
    assert slack_double.received[1].body["thread_ts"] == first.ts


def test_the_rate_limit_is_transient_and_says_how_long_to_wait(context, slack_connection, slack_double):
    """429 with Retry-After is tried once, since the engine retries."""
    slack_double.fail(rate_limited(7))
    with pytest.raises(TransientError) as caught:
        slack.post_message(context(slack_connection), channel="#dev", text="a")
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("rate-limited", 429, 7.0)
    assert not caught.value.ambiguous
    assert len(slack_double.received) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 500, "body": "<html>"}, ("server-error", True)),
        ({"status": 503, "body": ""}, ("server-error", False)),
        ({"json": {"ok": False, "error": "fatal_error"}}, ("server-error", True)),
        ({"json": {"ok": False, "error": "service_unavailable"}}, ("server-error", False)),
        ({"json": {"ok": False, "error": "ratelimited"}}, ("rate-limited", False)),
        ({"json": {"ok": True}}, ("invalid-response", True)),
        ({"close": True}, ("connection-lost", True)),
    ],
)
def test_what_may_pass_is_transient(context, slack_connection, slack_double, fault, expected):
    """Slack's own troubles are tried again; ambiguous where the message may have been sent."""
    slack_double.fail(fault)
    with pytest.raises(TransientError) as caught:
        slack.post_message(context(slack_connection), channel="#dev", text="a")
    assert (caught.value.code, caught.value.ambiguous) == expected


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"channel": "#missing", "text": "a"}, "channel-not-found"),
        ({"channel": "#dev", "text": ""}, "no-text"),
        ({"channel": "#dev", "text": "a" * 40_001}, "msg-too-long"),
    ],
)
def test_what_will_fail_again_is_permanent(context, slack_connection, slack_double, message, code):
    """Slack's word for the mistake is the code."""
    with pytest.raises(PermanentError) as caught:
        slack.post_message(context(slack_connection), **message)
    assert caught.value.code == code


def test_a_bad_token_is_permanent_and_stays_out_of_the_message(context, slack_connection, slack_double, monkeypatch):
    """Errors are shown and stored; secrets are not."""
    monkeypatch.setenv("TEST_SLACK_TOKEN", "very-secret")
    with pytest.raises(PermanentError) as caught:
        slack.post_message(context(slack_connection), channel="#dev", text="a")
    assert caught.value.code == "invalid-auth"
    assert "very-secret" not in str(caught.value)


def test_a_missing_token_is_permanent_and_names_the_variable(context, slack_connection, monkeypatch):
    """Nothing is sent without it."""
    monkeypatch.delenv("TEST_SLACK_TOKEN")
    with pytest.raises(PermanentError, match="TEST_SLACK_TOKEN") as caught:
        slack.post_message(context(slack_connection), channel="#dev", text="a")
    assert caught.value.code == "missing-secret"


def test_a_slow_answer_is_ambiguous(context, slack_connection, slack_double):
    """The message may have been sent."""
    slack_double.fail({"delay": 30})
    with pytest.raises(TransientError) as caught:
        slack.post_message(context(slack_connection, seconds=0.5), channel="#dev", text="a")
    assert (caught.value.code, caught.value.ambiguous) == ("timed-out", True)


def test_a_refused_connection_is_not_ambiguous(context, slack_connection, closed_port, monkeypatch):
    """Nothing was sent."""
    monkeypatch.setenv("SALTERN_SLACK_BASE_URL", f"http://127.0.0.1:{closed_port}/api/")
    with pytest.raises(TransientError) as caught:
        slack.post_message(context(slack_connection), channel="#dev", text="a")
    assert (caught.value.code, caught.value.ambiguous) == ("unreachable", False)


def test_nothing_is_sent_after_the_deadline(context, slack_connection, slack_double):
    """An attempt that is over does not begin a call."""
    with pytest.raises(TransientError) as caught:
        slack.post_message(context(slack_connection, seconds=-1), channel="#dev", text="a")
    assert caught.value.code == "timed-out"
    assert slack_double.received == []


def test_a_connection_of_another_kind_is_refused(context, openai_connection):
    """The compiler checks it; the node does too."""
    with pytest.raises(PermanentError, match="connector slack"):
        slack.post_message(context(openai_connection), channel="#dev", text="a")


def test_an_empty_channel_is_a_problem_at_compile_time(spec):
    """Slack would refuse it."""
    found = list(spec("slack.post_message").check(Bound({"channel": " ", "text": "a"}, {"channel": STRING})))
    assert [(each.param, each.message) for each in found] == [("channel", "`channel` is empty")]
