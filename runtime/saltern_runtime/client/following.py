"""Following a run's events and waiting for its end: what to do next, without a socket, so that both clients share it."""

from __future__ import annotations

import re
import time
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from saltern_runtime.client import calls
from saltern_runtime.client.answers import Answer
from saltern_runtime.client.calls import Call
from saltern_runtime.client.errors import ClientError, NotOverError, NotSalternError, UnreachableError
from saltern_runtime.client.results import Event, Run
from saltern_runtime.client.trying import Tries

OutputT = TypeVar("OutputT")
SILENCE: Final = 45.0
"""Seconds without a word, not even a comment, after which a connection counts as lost; a service says something each 15."""
_MIME: Final = "text/event-stream"
_RETRY: Final = re.compile(r"[0-9]{1,9}")
_POLLS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between looks where the service does not wait for the run itself: too many wait there already."""


class Following:
    """One stream of events, over as many connections as it takes. The service says when it is over: with 204.

    A run that ended may have been replayed, so that events follow the one that ended it.
    """

    def __init__(self, run: str, after: str | None) -> None:
        self._run = run
        self._after = after
        self._tries = Tries(self.call)
        self._lines: dict[str, list[str]] = {}
        self._pause = 1.0
        self._ended = False
        self.is_over = False

    @property
    def call(self) -> Call[None]:
        """What to ask for now."""
        return calls.events(self._run, self._after)

    def opened(self, answer: Answer) -> ClientError | None:
        """Take the head of an answer; returns the error that it is."""
        self._lines = {}
        if answer.status == 204:
            self.is_over = True
            return None
        error = answer.error()
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if error is None and kind != _MIME:
            return NotSalternError("it answered with something else than events: no Saltern service has this URL")
        return error

    def line(self, text: str) -> Event | None:
        """Take a line of the stream; returns the event that it completes."""
        if text.startswith(":"):
            self._tries = Tries(self.call)  # the service says that it is there
            return None
        if text:
            name, _, value = text.partition(":")
            self._lines.setdefault(name, []).append(value.removeprefix(" "))
            return None
        parts, self._lines = self._lines, {}
        if _RETRY.fullmatch(parts.get("retry", [""])[-1]):
            self._pause = min(int(parts["retry"][-1]) / 1000, 30.0)
        if "data" not in parts:
            return None
        try:
            event = Event.model_validate_json("\n".join(parts["data"]))
        except ValidationError:
            raise NotSalternError("it sent an event that is none of a Saltern service of this version") from None
        self._after, self._ended = event.id, event.is_end
        self._tries = Tries(self.call)
        return event

    def lost(self, error: ClientError | None) -> float:
        """Return for how many seconds to pause before the next connection; raises the error where there is none.

        None: the stream ended by itself, after a run's end or since the service stopped.
        """
        if error is not None:
            return max(self._pause, self._tries.after(error))
        if self.is_over or self._ended:
            self._ended = False
            return 0.0
        return max(self._pause, self._tries.after(UnreachableError("the stream of events breaks off", sent=True)))


class Waiting(Generic[OutputT]):
    """Waiting for the end of a run: the service waits, up to half a minute at a time."""

    def __init__(self, run: str, output: TypeAdapter[OutputT] | None, timeout: float) -> None:
        self._run = run
        self._output = output
        self._timeout = timeout
        self._until = time.monotonic() + timeout
        self._polls = 0

    @property
    def call(self) -> Call[tuple[Run[OutputT], bool]]:
        """What to ask for now."""
        return calls.get_over(self._run, self._output, max(0.0, self._until - time.monotonic()))

    def pause(self, run: Run[OutputT], *, waited: bool) -> float:
        """Return for how many seconds to pause before the next call; raises NotOverError where the time is up."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise NotOverError(run.id, run.state, self._timeout)
        if waited:
            return 0.0
        self._polls += 1
        return min(left, _POLLS[min(self._polls, len(_POLLS)) - 1])
