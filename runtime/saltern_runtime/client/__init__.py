"""A typed client of a service's API, for any Python program: `Client`, and `AsyncClient` with the same methods.

It needs httpx (`pip install saltern-runtime[client]`) and nothing of what a service runs on; the generated package gives it its types.
"""

from saltern_runtime.client.aio import AsyncClient
from saltern_runtime.client.calls import LetterFilter, RunFilter
from saltern_runtime.client.client import Client
from saltern_runtime.client.errors import (
    ClientError,
    ConflictError,
    Finding,
    InvalidRequestError,
    NotFoundError,
    NotOverError,
    NotSalternError,
    NotSucceededError,
    OutputError,
    ProblemError,
    RefusedTokenError,
    ServiceFailedError,
    TooManyError,
    UnavailableError,
    UnreachableError,
)
from saltern_runtime.client.results import (
    AuditEntry,
    Awaited,
    Batch,
    DeadLetter,
    Done,
    Event,
    Failure,
    Halted,
    Items,
    Node,
    Page,
    Run,
    RunSummary,
    Schedule,
    Started,
    Version,
    Versions,
)

__all__ = [
    "AsyncClient", "AuditEntry", "Awaited", "Batch", "Client", "ClientError", "ConflictError", "DeadLetter", "Done", "Event", "Failure", "Finding", "Halted",
    "InvalidRequestError", "Items", "LetterFilter", "Node", "NotFoundError", "NotOverError", "NotSalternError", "NotSucceededError", "OutputError", "Page",
    "ProblemError", "RefusedTokenError", "Run", "RunFilter", "RunSummary", "Schedule", "ServiceFailedError", "Started", "TooManyError", "UnavailableError",
    "UnreachableError", "Version", "Versions",
]  # fmt: skip
