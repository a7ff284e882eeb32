"""What an error means: its class, and whether and when there is another attempt."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from saltern_runtime.errors import NodeError, PermanentError, TransientError, said, writable
from saltern_runtime.expr import ExprError
from saltern_runtime.graph import MissingSecretError, Stage
from saltern_runtime.spec import Retry
from saltern_runtime.spec.limits import LONGEST_ASKED
from saltern_runtime.store.calls import Claim, Failed
from saltern_runtime.store.views import Failure


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure and how it may be treated."""

    failure: Failure
    final: bool = False
    """No further attempt can help."""
    ambiguous: bool = False
    """The other side may have acted: `on_ambiguous` decides."""
    retry_after: float = 0.0
    """Seconds to wait at least."""
    done: Mapping[str, float | None] | None = None
    """Of the nodes of its stage that had run by then in this attempt, seconds, or None where one was skipped."""


def classify(error: BaseException, node: str | None, cleaned: Callable[[str], str] = str) -> Trouble:
    """Class an error that a node raised. What is none of `errors.py` is internal, and retried: our own bug may be a race.

    `cleaned` takes out of what it says what is not shown: before it is cut, since a part would not be known again.
    """

    def shown(message: str) -> str:
        return _short(cleaned(writable(message)))

    if isinstance(error, NodeError):
        kind = "external-permanent" if isinstance(error, PermanentError) else "external-transient"
        failure = Failure(kind, writable(error.code), shown(error.message), node, error.status)
        if isinstance(error, TransientError):
            asked = error.retry_after  # own code says what it likes, NaN among it
            wait = asked if isinstance(asked, int | float) and asked > 0 else 0.0
            return Trouble(failure, ambiguous=error.ambiguous, retry_after=wait)
        return Trouble(failure, final=isinstance(error, PermanentError), ambiguous=error.ambiguous)
    if isinstance(error, MissingSecretError):
        return Trouble(Failure("external-permanent", "missing-secret", shown(str(error)), node), final=True)
    if isinstance(error, ExprError):
        return Trouble(Failure("internal", error.code, shown(error.message), node), final=True)
    if isinstance(error, MemoryError):
        message = "it asked for more memory than a process of this worker may have (SALTERN_MEMORY)"
        return Trouble(Failure("internal", "out-of-memory", message, node))
    name = type(error).__name__
    return Trouble(Failure("internal", "internal-error", shown(f"{name}: {said(error)}"), node))


def timed_out(stage: Stage, node: str | None = None) -> Trouble:
    """Judge an attempt that reached its hard deadline: what it had sent may have been acted on."""
    failure = Failure("timeout", "stage-timeout", f"stage {stage.name!r} took longer than {stage.timeout:g} s", node)
    return Trouble(failure, ambiguous=True)


def lost(stage: Stage, claim: Claim, poison: int) -> Trouble | None:
    """Judge a lost worker: nothing is wrong (run it again) unless it was one too many, or the outcome must not be guessed."""
    if claim.lost >= poison:
        message = f"stage {stage.name!r} lost its worker {claim.lost} times"
        return Trouble(Failure("poison", "worker-lost", message), final=True)
    if stage.on_ambiguous == "fail":
        message = f"stage {stage.name!r} lost its worker, and may have acted"
        return Trouble(Failure("internal", "worker-lost", message), final=True)
    return None


def expired(stage: Stage) -> Trouble:
    """Judge a stage whose first attempt nobody began in time."""
    message = f"stage {stage.name!r} waited longer than its time to live of {stage.ttl or 0:g} s"
    return Trouble(Failure("expired", "stage-expired", message), final=True)


def gone(stage: Stage) -> Trouble:
    """Judge a stage that reads what is kept no longer: it never comes back."""
    return Trouble(
        Failure("internal", "value-gone", f"a value that stage {stage.name!r} reads is kept no longer"), final=True
    )


def sealed(stage: Stage, why: str) -> Trouble:
    """Judge a stage that reads what cannot be opened here: another worker may have the key, or this one after a new start."""
    return Trouble(Failure("internal", "value-sealed", f"stage {stage.name!r}: {why}"))


def unreachable(stage: Stage, message: str) -> Trouble:
    """Judge a stage whose values could not be fetched or kept: it may have acted before."""
    failure = Failure("external-transient", "payloads-unreachable", f"stage {stage.name!r}: {_short(message)}")
    return Trouble(failure, ambiguous=True)


def backoff(retry: Retry, failures: int, at_least: float = 0.0) -> float:
    """Return seconds to wait after that many failures (the one just now included): full jitter, never under `at_least`.

    Nobody is left alone for longer than an hour, or than `cap` where that is longer: whoever asks for more is asked again then.
    """
    ceiling = min(retry.cap, retry.base * 2.0 ** min(failures - 1, 60))
    return max(min(at_least, max(retry.cap, LONGEST_ASKED)), random.uniform(0.0, ceiling))  # noqa: S311 - jitter


def decide(stage: Stage, claim: Claim, trouble: Trouble) -> Failed:
    """Turn trouble into what the store records: another attempt after a delay, or the end."""
    cause = {**asdict(trouble.failure), "attempts": claim.attempt}
    text = json.dumps({key: value for key, value in cause.items() if value not in (None, ())})
    failures = claim.failures + 1
    guess_refused = trouble.ambiguous and stage.on_ambiguous == "fail"
    if trouble.final or guess_refused or failures >= stage.retry.attempts:
        return Failed(text, None, "TIMED_OUT" if trouble.failure.kind == "timeout" else "DEAD")
    delay = backoff(stage.retry, failures, trouble.retry_after)
    if trouble.retry_after > 0 and delay >= claim.time_left:
        # Another attempt would never be made: what hangs on the failure runs while there is time.
        return Failed(text, None, "DEAD")
    return Failed(text, delay)


def _short(message: str) -> str:
    """Keep what an error says to what a person reads; the whole of it is in the worker's log."""
    return message if len(message) <= 2000 else message[:2000] + "…"
