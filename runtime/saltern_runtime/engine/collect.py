"""The value of a foreach: what its items gave, in their order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from saltern_runtime.errors import PermanentError


def collected(
    node: str,
    results: Iterable[tuple[str | None, str | None]],
    mode: Literal["stop", "continue", "collect"],
    limit: int,
) -> str:
    """Write the list as JSON text; raises PermanentError where it is over the limit of a stored value.

    An item without a yield leaves no hole. But where failures are collected each item has its entry: `{"value": …}`,
    `{"error": {"code", "message", "kind"}}`, or `{}` where its yield was skipped.
    """
    parts: list[str] = []
    size = 2
    for value, failure in results:
        if mode != "collect":
            text = value
        elif failure is not None:
            found = json.loads(failure)
            text = json.dumps({"error": {key: found[key] for key in ("code", "message", "kind")}}, ensure_ascii=False)
        else:
            text = "{}" if value is None else f'{{"value":{value}}}'
        if text is None:
            continue
        size += len(text.encode()) + 1
        if size > limit:
            message = f"the results of {node!r} have more than the {limit} bytes that a value may have"
            raise PermanentError(message, code="result-too-large")
        parts.append(text)
    return f"[{','.join(parts)}]"
