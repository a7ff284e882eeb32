"""What Slack gives back."""

from __future__ import annotations

from saltern_runtime.models import Model


class SlackMessage(Model):
    """A message that was sent."""

    channel: str
    """The channel's id."""
    ts: str
    """The message's id in its channel."""
