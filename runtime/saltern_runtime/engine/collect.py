"""The value of a region: what its rounds gave, in the order of their items."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Opens

_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def collected(node: str, opens: Opens, results: Iterable[tuple[str | None, str | None]], limit: int) -> str:
    """Write the value as JSON text; raises PermanentError where it is over the limit of a stored value.

    A round without a yield leaves what `opens.on_skip` says. But where failures are collected each round has its entry:
    `{"value": …}`, `{"error": {"code", "message", "kind"}}`, or `{}` where its yield was skipped.
    """
    parts: list[str] = []
    size = 2
    for value, failure in results:
        text = _entry(value, failure, opens)
        if text is None:
            continue
        size += len(text.encode()) + 1
        if size > limit:
            raise _too_large(node, limit)
        parts.append(text)
    text = f"[{','.join(parts)}]"
    return text if opens.gather is None else _gathered(node, opens, text, limit)


def _entry(value: str | None, failure: str | None, opens: Opens) -> str | None:
    if opens.on_error != "collect":
        return "null" if value is None and opens.on_skip == "null" else value
    if failure is not None:
        error = json.loads(failure)
        return json.dumps({"error": {key: error[key] for key in ("code", "message", "kind")}}, ensure_ascii=False)
    return "{}" if value is None else f'{{"value":{value}}}'


def _gathered(node: str, opens: Opens, text: str, limit: int) -> str:
    """Let the region's own function make the value; whatever it raises is final, since it is pure."""
    assert opens.gather is not None, "asked for regions that have one"
    try:
        gathered = _compact(opens.gather(json.loads(text)))
    except Exception as error:
        message = f"the value of {node!r} cannot be made of its results: {type(error).__name__}: {error}"
        raise PermanentError(message, code="ungathered-result") from error
    if len(gathered.encode()) > limit:
        raise _too_large(node, limit)
    return gathered


def _too_large(node: str, limit: int) -> PermanentError:
    return PermanentError(
        f"the results of {node!r} have more than the {limit} bytes that a value may have", code="result-too-large"
    )
