"""The spans of calls to models, to Slack and to databases: what they are called, what they say, and that a trace goes along."""

import pytest

from saltern_runtime.errors import NodeError
from saltern_runtime.nodes import llm, postgres, slack

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.trace import SpanKind, StatusCode


def sent_by(span):
    """Return the `traceparent` that a call of this span sends."""
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


def test_a_call_of_a_model(context, openai_connection, openai_double, spans):
    """It is named after the model, counts tokens as the conventions for generative AI have it, and holds no word of the prompt."""
    llm.chat(context(openai_connection), prompt="Say hello to Ann", system="Be kind")
    (span,) = spans("chat small")
    assert span.kind is SpanKind.CLIENT
    about = dict(span.attributes)
    assert {name: about[f"gen_ai.{name}"] for name in ("operation.name", "provider.name", "request.model")} == {
        "operation.name": "chat", "provider.name": "openai", "request.model": "small",
    }  # fmt: skip
    assert isinstance(about["gen_ai.response.model"], str)
    assert about["gen_ai.usage.input_tokens"] > 0
    assert about["gen_ai.usage.output_tokens"] > 0
    assert "Ann" not in str(about)
    assert openai_double.received[0].headers["traceparent"] == sent_by(span)


def test_a_message_to_slack(context, slack_connection, slack_double, spans):
    """It is named after the method; what is said, and the token, stand in no attribute."""
    slack.post_message(context(slack_connection), channel="#billing", text="for Ann")
    (span,) = spans("POST chat.postMessage")
    assert (span.kind, span.attributes["http.request.method"]) == (SpanKind.CLIENT, "POST")
    assert span.attributes["server.address"] == "127.0.0.1"
    assert "Ann" not in str(dict(span.attributes))
    assert "xoxb" not in str(dict(span.attributes))
    assert slack_double.received[0].headers["traceparent"] == sent_by(span)


def test_a_statement(context, crm, spans):
    """It is named after its first word; neither the statement nor a value of it stands there."""
    postgres.query(context(crm), sql="select $1 as who", values=["Ann"])
    (span,) = spans("SELECT")
    assert span.kind is SpanKind.CLIENT
    assert dict(span.attributes) == {"db.system.name": "postgresql", "db.operation.name": "SELECT"}


def test_a_statement_that_fails(context, crm, spans):
    """It says by which code, and nothing of what PostgreSQL says of the values."""
    with pytest.raises(NodeError) as caught:
        postgres.query(context(crm), sql="select $1::int as n", values=["Ann"])
    (span,) = spans("SELECT")
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, caught.value.code)
    assert "Ann" not in f"{dict(span.attributes)} {span.status.description} {span.events}"
