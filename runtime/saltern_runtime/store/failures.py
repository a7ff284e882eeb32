"""How the store fails."""

from __future__ import annotations


class StoreUnavailableError(ConnectionError):
    """Redis could not be reached for as long as the caller was willing to wait."""


class PayloadsUnreachableError(StoreUnavailableError):
    """Redis can be reached, but not the place beside it where large values and files lie. May pass."""


class StoreUnfitError(RuntimeError):
    """The server's settings do not allow what was promised; says what to change."""


class ValueGoneError(StoreUnfitError):
    """A value that is kept by reference is not there any more, and will not come back."""
