"""Slack: `slack.post_message(ctx, channel=…, text=…)`."""

from typing import TYPE_CHECKING, Any

from saltern_runtime.nodes.slack.post_message import post_message

if TYPE_CHECKING:
    from saltern_runtime.nodes.slack.results import SlackMessage

__all__ = ["SlackMessage", "post_message"]


def __getattr__(name: str) -> Any:
    if name == "SlackMessage":
        from saltern_runtime.nodes.slack import results  # noqa: PLC0415 - reading a spec needs no pydantic

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
