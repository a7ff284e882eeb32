"""How a node fails: the class of an error decides what happens next. Connectors translate their SDK's errors into these.

    NodeError
    ├── TransientError      429, 5xx, time-outs, refused connections: retried; `retry_after` is a lower bound, in seconds
    └── PermanentError      4xx, too large, bad values: never retried

Anything else that a node raises is internal: retried like a transient error would be, since our own bug may be a race.
`ambiguous` errors happened after the request may have been acted on: they follow the stage's `on_ambiguous`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class NodeError(Exception):
    """An error of a known class. `code` is a short stable word (`rate-limited`), `status` the other side's number."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        retry_after: float | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.ambiguous = ambiguous


class TransientError(NodeError):
    """May succeed later."""


class PermanentError(NodeError):
    """Will fail again."""


class StopRun(Exception):  # noqa: N818 - no error: what a `stop` says
    """A node ends the run: nothing is tried again, and no `try` catches it. `output` is what the run returns, if it succeeds."""

    def __init__(self, state: str, message: str, output: object) -> None:
        super().__init__(message)
        self.state = state
        self.message = message
        self.output = output


def said(error: BaseException | None, form: Callable[[object], str] = str) -> str:
    """Return what an error says, or its `repr`, as text that can be written anywhere; own code's may fail even at that."""
    try:
        return writable(form(error))
    except Exception as again:  # noqa: BLE001 - whatever it is, the first error is the one to tell of
        return f"(what it says cannot be read: {type(again).__name__})"


def writable(text: str) -> str:
    """Return a text with escapes for what no encoding has: halves of surrogate pairs, which logs, scripts and other languages refuse."""
    return text.encode("utf-8", "backslashreplace").decode()


def pointer(path: Iterable[object]) -> str:
    """Return a place in a JSON value as a JSON Pointer (RFC 6901); empty for the whole."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def place(path: Sequence[object], value: Any, *, missing: bool = False) -> list[object]:
    """Return the part of a validation error's path that leads through a value: names of the types that were tried are left out.

    `missing`: the last part is what is not there.
    """
    found: list[object] = []
    for part in path:
        is_there = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if is_there:
            value = value[part]
            found.append(part)
    return [*found, path[-1]] if missing and path else found


def worded(problem: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors says, in words for whoever wrote the JSON."""
    if problem["type"].startswith("time_delta"):
        return "a duration is wanted as ISO 8601 writes it: PT1S is a second, PT1H30M an hour and a half, P1D a day"
    return str(problem["msg"])


class AnswerError(Exception):
    """An answer from outside is not one that its node takes; `findings` are places (JSON Pointers) and what is wrong there."""

    def __init__(self, findings: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place or '(the whole)'}: {why}" for place, why in findings))
        self.findings = tuple(findings)


class StartError(Exception):
    """A run cannot be started; `code` is a short stable word."""

    code = "start-refused"


class IdempotencyConflictError(StartError):
    """The same idempotency key came with another body; `run_id` is the run that the first one started."""

    code = "idempotency-key-reused"

    def __init__(self, message: str, *, run_id: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class RunDroppedError(StartError):
    """No run is made while others of its group are not over; `run_id` is the one that came last."""

    code = "run-dropped"

    def __init__(self, run_id: str) -> None:
        super().__init__("no run was made: as many with the same key are under way as may be")
        self.run_id = run_id


class UnknownFileError(StartError):
    """The input names files that this tenant has not; `places` lead to them, as JSON Pointers."""

    code = "unknown-file"

    def __init__(self, places: Sequence[str]) -> None:
        super().__init__(f"no such file, or no longer, or of another size: {', '.join(places)}")
        self.places = tuple(places)


class BrokenAssumptionError(StartError):
    """The input has more of something than the pipeline's budget assumes; `findings` are places (JSON Pointers) and how."""

    code = "broken-assumption"

    def __init__(self, findings: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(why for _, why in findings))
        self.findings = tuple(findings)


class ForeignRunError(StartError):
    """A run of a pipeline that this one starts cannot be started again alone: what it was given is not what this one takes."""

    code = "run-of-another-pipeline"

    def __init__(self, pipeline: str) -> None:
        super().__init__(f"the run is one of {pipeline!r}, which another run started: start that one again")


class TooManyRunsError(StartError):
    """The tenant has as many open runs as it may; `open` of them, `cap` may be, in the part of the store that the run would have been in."""

    code = "too-many-open-runs"
    retry_after = 5.0
    """Seconds after which to try again: runs end at any time."""

    def __init__(self, count: int, cap: int) -> None:
        super().__init__(f"{count} runs of this tenant are open, and {cap} may be: wait until one has ended")
        self.open = count
        self.cap = cap


class PayloadTooLargeError(StartError):
    """The input is over the limit of stored values."""

    code = "payload-too-large"
