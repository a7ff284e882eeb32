"""What is printed in a worker, as records: a line each, which `print` writes piece by piece."""

from __future__ import annotations

import logging
import threading
from typing import Final

from celery.utils.log import LoggingProxy

_LONGEST: Final = 64 * 1024
"""Characters that are kept at most until their line ends."""


class Printed(LoggingProxy):  # type: ignore[misc]  # celery ships no types, so mypy takes what this builds on for Any
    """Stands in for standard output or error. What is written is one record once it ends a line, or is flushed."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        super().__init__(logger, level)
        self._held = threading.local()

    def write(self, data: str) -> int:
        """Keep a text until its line ends; a text of several lines is one record."""
        self._held.text = text = f"{getattr(self._held, 'text', '')}{data}"
        if text.endswith("\n") or len(text) > _LONGEST:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Make a record of what there is."""
        text, self._held.text = getattr(self._held, "text", ""), ""
        super().write(text)
