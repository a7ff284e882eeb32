"""What is told of attempts and calls while they last, whoever records it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, Self, TypeAlias

Attributes: TypeAlias = Mapping[str, "str | int | float | bool"]


class Attempt(Protocol):
    """An attempt of a stage, while it is made: a context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    def entered(self, node: str, attributes: Attributes) -> None:
        """Tell of a node of it that begins; the one before is over."""

    def failed(self, code: str, message: str, delay: float | None) -> None:
        """Say that it failed; `delay`: seconds until the next one is made, None where there is none."""

    def abandoned(self) -> None:
        """Say from another thread that its process ends now."""


class Call(Protocol):
    """A request, in or out, while it is answered."""

    def headers(self) -> dict[str, str]:
        """Return what goes along with it, so that whoever answers goes on with the trace."""

    def answered(self, status: int) -> None:
        """Note the status of HTTP."""

    def note(self, attributes: Attributes) -> None:
        """Note what is known only now."""


class _Nothing:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def entered(self, node: str, attributes: Attributes) -> None: ...
    def failed(self, code: str, message: str, delay: float | None) -> None: ...
    def abandoned(self) -> None: ...
    def answered(self, status: int) -> None: ...
    def note(self, attributes: Attributes) -> None: ...

    def headers(self) -> dict[str, str]:
        return {}


NOTHING: Final = _Nothing()
"""Records nothing."""
