"""What a model gives back where no type is asked for."""

from __future__ import annotations

from saltern_runtime.models import Model


class ChatText(Model):
    """A free answer."""

    text: str
