"""`slack.post_message`: send a message to a channel (chat.postMessage).

Slack takes no idempotency key, so what became of a call that broke off after sending is for `@on_ambiguous` to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.connectors import slack as connector
from saltern_runtime.connectors.base import retry_after
from saltern_runtime.errors import NodeError, PermanentError, TransientError
from saltern_runtime.spec import STRING, Bound, NodeType, Param, Problem, obj

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.slack.results import SlackMessage

_MAY_PASS: Final = frozenset(
    {"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "internal_error", "fatal_error"}
)
_UNCLEAR: Final = frozenset({"internal_error", "fatal_error", "request_timeout"})
"""Slack says of these that some of the work may have been done."""


def _check(bound: Bound) -> Iterator[Problem]:
    for name in ("channel", "text"):
        value = bound.literals.get(name)
        if isinstance(value, str) and not value.strip():
            yield Problem(name, f"`{name}` is empty", ("Slack refuses such a message.",))


NODE: Final = NodeType(
    name="slack.post_message",
    summary="Sends a message to a Slack channel.",
    params=(
        Param("channel", STRING, doc="A channel's name (`#billing`) or id."),
        Param("text", STRING, place="slack", shown=True, doc="The message, in Slack's mrkdwn."),
        Param("thread_ts", STRING, required=False, doc="The `ts` of the message to answer."),
    ),
    result=obj({"channel": STRING, "ts": STRING}),
    result_model="saltern_runtime.nodes.slack:SlackMessage",
    bare=("channel", "ts"),
    repeats=True,
    connector="slack",
    call="saltern_runtime.nodes.slack:post_message",
    queue="io",
    requires=("slack",),
    check=_check,
)


def post_message(ctx: Context, *, channel: str, text: str, thread_ts: str | None = None) -> SlackMessage:
    """Send one message; raises TransientError or PermanentError."""
    from http.client import HTTPException  # noqa: PLC0415 - reading the spec needs no sockets
    from urllib.error import URLError  # noqa: PLC0415 - reading the spec needs no sockets

    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415 - reading the spec needs no SDK

    from saltern_runtime.nodes.slack.results import SlackMessage  # noqa: PLC0415 - reading the spec needs no pydantic

    if not text:
        raise PermanentError("the message has no text", code="no-text")
    try:
        with connector.calling(ctx, "chat.postMessage") as client:
            sent = client.chat_postMessage(channel=channel, text=text, thread_ts=thread_ts)
    except SlackApiError as error:
        raise _translate(error) from error
    except SlackClientError as error:
        raise PermanentError(f"Slack's client refused the message: {error}", code="bad-request") from error
    except URLError as error:  # raised while connecting and sending only
        raise TransientError(f"Slack cannot be reached: {error.reason}", code="unreachable") from error
    except TimeoutError as error:
        raise TransientError("Slack did not answer in time", code="timed-out", ambiguous=True) from error
    except (OSError, HTTPException) as error:
        raise TransientError(
            f"the connection to Slack broke: {error}", code="connection-lost", ambiguous=True
        ) from error
    message, where = sent.get("ts"), sent.get("channel")
    if not isinstance(message, str) or not isinstance(where, str):
        raise TransientError("Slack's answer names no channel and ts", code="invalid-response", ambiguous=True)
    return SlackMessage(channel=where, ts=message)


def _translate(error: SlackApiError) -> NodeError:
    response: Any = error.response
    data = response.data if isinstance(response.data, dict) else {}
    word = str(data.get("error", "")) if response.status_code < 400 else ""
    status = int(response.status_code)
    wait = retry_after(
        next((str(value) for name, value in response.headers.items() if name.lower() == "retry-after"), None)
    )
    if status == 429 or word in ("ratelimited", "rate_limited"):
        return TransientError("Slack limits the rate", code="rate-limited", status=status, retry_after=wait)
    if status >= 500:
        return TransientError(
            f"Slack answered {status}", code="server-error", status=status, retry_after=wait, ambiguous=status != 503
        )
    if word in _MAY_PASS:
        return TransientError(f"Slack answered {word}", code="server-error", status=status, ambiguous=word in _UNCLEAR)
    code = word.replace("_", "-") if word.replace("_", "").isalnum() else "refused"
    return PermanentError(f"Slack refused the message: {word or status}", code=code, status=status)
