"""What may go wrong when a service is asked. No text of these holds the token.

ClientError
├── UnreachableError            nobody answered, or a gateway said that nobody does
├── NotSalternError             somebody answered, but not as the API of a service does
├── OutputError                 a run's output is not of the type that was given
├── NotOverError                a run was not over in time (a TimeoutError too)
├── NotSucceededError           a run is over, and has no output
└── ProblemError                the service said why not (RFC 9457)
├── InvalidRequestError     400, 413, 415, 422: what was sent is not what it takes
├── RefusedTokenError       401, 403
├── NotFoundError           404, 410: no such run or letter, or nothing waits there any more
├── ConflictError           409: the run is in no state for it
├── TooManyError            429
├── UnavailableError        503: its store is away
└── ServiceFailedError      any other 5xx
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


class ClientError(Exception):
    """A service was not asked with success."""


class UnreachableError(ClientError):
    """Nobody answered. `sent`: whether the request may have arrived all the same."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class NotSalternError(ClientError):
    """Whoever answered is not the API of a service, or one of another version."""


class OutputError(ClientError):
    """The output of a run is not of the type that the client was given: another plan's, say."""


class NotOverError(ClientError, TimeoutError):
    """A run was not over in time."""

    def __init__(self, run: str, state: str, seconds: float) -> None:
        super().__init__(f"the run {run} is {state} after {seconds:g} s")
        self.run = run
        self.state = state


class NotSucceededError(ClientError):
    """A run is over without an output, or not over."""

    def __init__(self, run: str, state: str, why: str) -> None:
        super().__init__(f"the run {run} is {state}{why and f': {why}'}")
        self.run = run
        self.state = state


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a request."""

    detail: str
    pointer: str | None = None
    """The place in the body, as a JSON Pointer fragment."""
    parameter: str | None = None


class ProblemError(ClientError):
    """A service said why not."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        findings: Sequence[Finding] = (),
        instance: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        more = "".join(f"; {finding.pointer or finding.parameter or 'body'}: {finding.detail}" for finding in findings)
        super().__init__(f"{detail} ({status} {code}){more}")
        self.status = status
        self.code = code
        """A short stable word, such as `run-open`."""
        self.detail = detail
        self.findings = tuple(findings)
        self.instance = instance
        """Names this occurrence in the service's log."""
        self.retry_after = retry_after
        """Seconds after which the service wants to be asked again."""


class InvalidRequestError(ProblemError):
    """What was sent is not what the service takes."""


class RefusedTokenError(ProblemError):
    """The token is not known, or may not do this."""


class NotFoundError(ProblemError):
    """There is no such run or letter, or nothing waits there any more."""


class ConflictError(ProblemError):
    """The run is in no state for it; `code` says in which one it is."""


class TooManyError(ProblemError):
    """Too many requests, or too many runs."""


class UnavailableError(ProblemError):
    """The service's store is away, or unfit."""


class ServiceFailedError(ProblemError):
    """The service failed; its log names the reason under `instance`."""


_KINDS: Final = {
    **dict.fromkeys((401, 403), RefusedTokenError),
    **dict.fromkeys((404, 410), NotFoundError),
    409: ConflictError,
    429: TooManyError,
    503: UnavailableError,
}


def kind_of(status: int) -> type[ProblemError]:
    """Return the class of the problems with a status."""
    return _KINDS.get(status, ServiceFailedError if status >= 500 else InvalidRequestError)
