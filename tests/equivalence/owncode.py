"""What the own code of random pipelines gives: own.py once more, without what it writes down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class OwnError(Exception):
    """What own code raises."""

    def __init__(self, kind: str, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(code)
        self.of = {"kind": kind, "code": code, "message": message} | ({} if status is None else {"status": status})


def held(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise OwnError("external-permanent", "wrong-result", "a whole number that 64 bits do not hold")
    return value


def called(name: str, args: Mapping[str, Any]) -> int:
    """Say what own code gives: see own.py."""
    value: int = args["value"]
    match name:
        case "note":
            return value + 1
        case "ask":
            return value * 2
        case "look":
            return value - 1
        case "flaky":
            return value
        case "half":
            if value % 2:
                raise OwnError("external-permanent", "odd", "this number is odd")
            return value // 2
        case "boom":
            raise OwnError("external-permanent", "boom", "this always fails", status=409)
        case "refuse":
            raise OwnError("external-transient", "not-now", "not now")
        case "crash":
            raise OwnError("internal", "internal-error", f"ValueError: {args['tag']}")
    raise NotImplementedError(name)
