"""A service's API, for programs that wait for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload

import httpx

from saltern_runtime.client import calls
from saltern_runtime.client.calls import ALL_LETTERS, ALL_RUNS, SAME, Call, LetterFilter, RunFilter
from saltern_runtime.client.errors import ClientError
from saltern_runtime.client.following import Following, Waiting
from saltern_runtime.client.link import TIMEOUT, InputT, Linked, OutputT, answer_of, read
from saltern_runtime.client.results import (
    AuditEntry,
    Batch,
    DeadLetter,
    Event,
    Page,
    Run,
    RunSummary,
    Started,
    Versions,
)
from saltern_runtime.client.trying import Tries
from saltern_runtime.spec import Json

T = TypeVar("T")


class Client(Linked[InputT, OutputT]):
    """A service: `Client(url, token, input=Input, output=Output)` with the models of the generated package, or plain JSON without.

    Each method raises a ClientError where the service was not asked with success. One that changes nothing, and a start with
    an idempotency key, are tried again for some seconds while the service does not answer.
    """

    @overload
    def __init__(
        self: Client[Any, Any],
        url: str,
        token: str,
        *,
        timeout: float = ...,
        transport: httpx.BaseTransport | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        url: str,
        token: str,
        *,
        input: type[InputT],
        output: type[OutputT],
        timeout: float = ...,
        transport: httpx.BaseTransport | None = ...,
    ) -> None: ...
    def __init__(
        self,
        url: str,
        token: str,
        *,
        input: type[InputT] | None = None,
        output: type[OutputT] | None = None,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Make a client; ValueError for a URL or a token that can be none. `timeout`: seconds for each answer."""
        super().__init__(url, token, timeout, input, output)
        self._http = httpx.Client(transport=transport, **self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def start(
        self,
        input: InputT,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
    ) -> Started[OutputT]:
        """Start a run. The same key with the same input answers with the first run; `wait` for its end up to 30 seconds."""
        given = self._checked(input)
        return self._send(calls.start(given, self._output, idempotency_key=idempotency_key, wait=wait))

    def get(self, run: str) -> Run[OutputT]:
        """Show a run."""
        return self._send(calls.get(run, self._output))

    def wait(self, run: str, timeout: float) -> Run[OutputT]:
        """Return a run once it is over; raises NotOverError where that takes longer than so many seconds."""
        waiting = Waiting(run, self._output, timeout)
        while True:
            found, waited = self._send(waiting.call)
            if found.is_over:
                return found
            time.sleep(waiting.pause(found, waited=waited))

    def follow(self, run: str, after: str | None = None) -> Iterator[Event]:
        """Yield what happens in a run, from its beginning or behind an event's id, until it is over; connects again by itself."""
        following = Following(run, after)
        while not following.is_over:
            error: ClientError | None = None
            try:
                request = self._request(self._http, following.call, streams=True)
                response = self._http.send(request, stream=True)
                try:
                    error = following.opened(answer_of(response, b"" if response.is_success else response.read()))
                    for line in response.iter_lines():
                        event = following.line(line) if error is None else None
                        if event is not None:
                            yield event
                finally:
                    response.close()
            except httpx.RequestError as failed:
                error = self._failed(failed)
            if not following.is_over:
                time.sleep(following.lost(error))

    def list(self, wanted: RunFilter = ALL_RUNS) -> Iterator[RunSummary]:
        """Yield runs, newest first, over all pages."""
        return self._each(lambda cursor: calls.runs(wanted, cursor))

    def cancel(self, run: str, reason: str = "") -> Run[OutputT]:
        """End a run early: what runs is recorded, nothing more begins. One that is over stays as it is."""
        return self._send(calls.operate("cancel", run, self._output, reason))

    def pause(self, run: str, reason: str = "") -> Run[OutputT]:
        """Let nothing more of a run begin; what runs is recorded."""
        return self._send(calls.operate("pause", run, self._output, reason))

    def resume(self, run: str, reason: str = "") -> Run[OutputT]:
        """Let a run go on that was paused."""
        return self._send(calls.operate("resume", run, self._output, reason))

    def replay(self, run: str, reason: str = "") -> Run[OutputT]:
        """Let a run that failed, or reached its deadline, go on from where that cut it off."""
        return self._send(calls.operate("replay", run, self._output, reason))

    def again(
        self,
        run: str,
        input: InputT | object = SAME,
        reason: str = "",
        *,
        idempotency_key: str | None = None,
    ) -> Started[OutputT]:
        """Start a new run with the input of another one, or with a changed one."""
        given = SAME if input is SAME else self._checked(cast("InputT", input))
        return self._send(calls.again(run, given, reason, idempotency_key))

    def discard(self, run: str, path: str, reason: str = "") -> Run[OutputT]:
        """Take a dead letter away: nobody needs to look after it."""
        return self._send(calls.operate("discard", run, self._output, reason, path=path))

    def migrate(self, run: str, was: str, plan: str, reason: str = "") -> Run[OutputT]:
        """Move an open run of which nothing runs from one version to the current one; whoever calls has proven that it may go on there."""
        return self._send(calls.operate("migrate", run, self._output, reason, **{"from": was, "to": plan}))

    def answer(self, run: str, path: str, value: Json | object) -> bool:
        """Give what waits in a run its answer; False where an earlier one had come, which counts."""
        return self._send(calls.answer(run, path, value))

    def decide(
        self,
        run: str,
        path: str,
        decision: str,
        *,
        comment: str | None = None,
        fields: Mapping[str, Json] | None = None,
    ) -> bool:
        """Decide what waits for a decision; raises ConflictError where it was decided before."""
        return self.answer(run, path, calls.decision(decision, comment, fields))

    def audit(self, run: str) -> tuple[AuditEntry, ...]:
        """Show what people did to a run, the first thing first."""
        return self._send(calls.audit(run))

    def versions(self) -> Versions:
        """Show which versions have open runs, of all tenants, or workers."""
        return self._send(calls.versions())

    def dead_letters(self, wanted: LetterFilter = ALL_LETTERS) -> Iterator[DeadLetter]:
        """Yield dead letters, newest first, over all pages."""
        return self._each(lambda cursor: calls.letters(wanted, cursor))

    def dead_letters_of(self, run: str) -> tuple[DeadLetter, ...]:
        """List the dead letters of one run."""
        return self._send(calls.letters_of(run))

    def replay_letters(self, wanted: LetterFilter = ALL_LETTERS, reason: str = "") -> Iterator[Batch]:
        """Replay the runs of all letters that match; yields what became of each hundred, done before the next are begun."""
        return self._pages(lambda cursor: calls.operate_letters("replay", wanted, reason, cursor))

    def discard_letters(self, wanted: LetterFilter = ALL_LETTERS, reason: str = "") -> Iterator[Batch]:
        """Discard all letters that match; yields what became of each hundred, done before the next are begun."""
        return self._pages(lambda cursor: calls.operate_letters("discard", wanted, reason, cursor))

    def _each(self, call: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
        for page in self._pages(call):
            yield from page.items

    def _pages(self, call: Callable[[str | None], Call[Page[T]]]) -> Iterator[Page[T]]:
        cursor: str | None = None
        while True:
            page = self._send(call(cursor))
            yield page
            cursor = page.cursor
            if cursor is None:
                return

    def _send(self, call: Call[T]) -> T:
        tries = Tries(call)
        while True:
            try:
                response = self._http.send(self._request(self._http, call))
                return read(call, answer_of(response, response.content))
            except httpx.RequestError as failed:
                error: ClientError = self._failed(failed)
            except ClientError as refused:
                error = refused
            time.sleep(tries.after(error))
