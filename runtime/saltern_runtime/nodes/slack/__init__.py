"""Slack: `slack.post_message(ctx, channel=…, text=…)`."""

from saltern_runtime.nodes.slack.post_message import SlackMessage, post_message

__all__ = ["SlackMessage", "post_message"]
