"""Why a file is not read, and how much may be made of one."""

from __future__ import annotations

import json
from typing import Any, Literal


class Refusal(Exception):  # noqa: N818 - no error of ours: what is said of a file
    """A file is not read; `code` is a short stable word, and will be the same next time."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Budget:
    """Counts the bytes of a value as it is made, so that one that no run may hold is given up early."""

    def __init__(self, most: int, of: Literal["text", "rows"]) -> None:
        self.most = most
        self._of = of
        self._used = 0

    def take(self, value: Any) -> None:
        """Count a part of the value; raises Refusal (`too-large`)."""
        self._used += len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")) + 1
        if self._used > self.most:
            raise self.exceeded()

    def exceeded(self) -> Refusal:
        """Return what is said of a file that makes too much: what counts, and what to do."""
        has, fewer = (
            ("text has", "") if self._of == "text" else ("rows have", "read fewer columns by a narrower `row`, or ")
        )
        what = f"its {has} more than the {self.most} bytes that a value may have, counted as JSON"
        return Refusal("too-large", f"{what}; {fewer}have SALTERN_MAX_PAYLOAD raised by whoever runs the service")
