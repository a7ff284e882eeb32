"""Reading what was answered: values, or the error that it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from saltern_runtime.client.errors import ClientError, Finding, NotSalternError, UnreachableError, kind_of
from saltern_runtime.client.results import Shown

ShownT = TypeVar("ShownT", bound=Shown)
PROBLEM: Final = "application/problem+json"
_NO_ROUTE: Final = frozenset({"not-found", "method-not-allowed"})
"""Codes of problems with the path alone, not with what it leads to."""
_ENDING: Final = frozenset({500, 502, 503, 504})
"""Said without a problem: by a gateway, or (500) by a server that ends and cuts the request off, as uvicorn does after its grace."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    def error(self) -> ClientError | None:
        """Return the error that it is; None for a success."""
        if 200 <= self.status < 300:
            return None
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            told = self.object() if kind == PROBLEM else {}
        except NotSalternError:
            told = {}
        code, detail = told.get("code"), told.get("detail") or told.get("title")
        if isinstance(code, str) and code in _NO_ROUTE:
            return NotSalternError(
                "the service has no such route: its URL misses a prefix, or it is of an older version"
            )
        if isinstance(code, str) and isinstance(detail, str):
            found = told.get("errors")
            findings = [_finding(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
            instance = told.get("instance")
            return kind_of(self.status)(
                self.status, code, detail, findings=findings, retry_after=self._retry_after(),
                instance=instance if isinstance(instance, str) else None,
            )  # fmt: skip
        if self.status in _ENDING:
            why = f"it answered {self.status} without a reason: the service ends, or a gateway does not reach it"
            return UnreachableError(why, sent=True)
        if 300 <= self.status < 400:
            return NotSalternError(f"it answered {self.status}, a redirect, which is not followed: give the final URL")
        return NotSalternError(f"it answered {self.status} without saying why: no Saltern service has this URL")

    def _retry_after(self) -> float | None:
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def object(self) -> dict[str, Any]:
        """Read the body as a JSON object; raises NotSalternError."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise NotSalternError("it answered with something else than a JSON object: no Saltern service has this URL")
        return value

    def shown(self, kind: type[ShownT]) -> ShownT:
        """Read the body as a value; raises NotSalternError."""
        return _read(kind, self.object())

    def flag(self, name: str) -> bool:
        """Read a boolean out of the body; raises NotSalternError."""
        found = self.object().get(name)
        if not isinstance(found, bool):
            raise self._without(name)
        return found

    def several(self, name: str, kind: type[ShownT]) -> tuple[ShownT, ...]:
        """Read a list of values out of the body; raises NotSalternError."""
        found = self.object().get(name)
        if not isinstance(found, list):
            raise self._without(name)
        return tuple(_read(kind, each) for each in found)

    @staticmethod
    def _without(name: str) -> NotSalternError:
        return NotSalternError(f"it answered without `{name}`: no Saltern service of this version has this URL")


def _read(kind: type[ShownT], value: Any) -> ShownT:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        places = ", ".join(sorted({".".join(map(str, found["loc"])) or "all of it" for found in error.errors()})[:5])
        # What was answered may be personal, and stands in pydantic's words.
        raise NotSalternError(f"it did not answer as a Saltern service of this version does: {places}") from None


def _finding(told: Mapping[str, Any]) -> Finding:
    texts = {name: text for name in ("pointer", "parameter") if isinstance(text := told.get(name), str)}
    return Finding(str(told.get("detail")), **texts)
