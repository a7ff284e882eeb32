"""How the store fails."""

from __future__ import annotations

from typing import ClassVar


class StoreUnavailableError(ConnectionError):
    """Redis could not be reached for as long as the caller was willing to wait."""


class PayloadsUnreachableError(StoreUnavailableError):
    """Redis can be reached, but not the place beside it where large values and files lie. May pass."""


class StoreUnfitError(RuntimeError):
    """The server's settings do not allow what was promised; says what to change."""

    told: ClassVar[str] = "the store cannot be used as it is set up; the log says what to change"
    """What callers are told, who are to learn of no path and no address."""
    is_known = False
    """Whether it was said a moment ago, and has not been looked at anew."""


class PayloadsUnfitError(StoreUnfitError):
    """The place of large values and files is not there, or refuses; says what to do."""

    told = "the place where large values and files are to lie cannot be used; the log says why"


class ValueGoneError(StoreUnfitError):
    """A value that is kept by reference is not there any more, and will not come back."""

    told = "a value that was kept is there no longer"


class SealedValueError(StoreUnfitError):
    """A sealed value cannot be opened: its key is missing, or it was changed. Names the key, never the value."""

    told = "a value is sealed, and cannot be opened here; the log says why"
