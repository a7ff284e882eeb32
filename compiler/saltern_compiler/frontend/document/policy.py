"""Policies and settings of an editor document: durations are seconds, or text such as `20s` and `1h30m`."""

from __future__ import annotations

from typing import Final

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.frontend.document.report import Report, quote
from saltern_compiler.frontend.document.shape import BUDGET, CONCURRENCY_OF, POLICY, RETRY, SETTINGS, misfit
from saltern_compiler.frontend.durations import LONGEST, seconds
from saltern_compiler.ir.budget import MAPS, TIME, Budget, is_wait
from saltern_compiler.ir.concurrency import AT_MOST, CONCURRENCY, KEY
from saltern_runtime.spec import Json, Policy, Retry

ILL_TYPED: Final = "ill-typed-policy"


def read_duration(value: Json, origin: Origin, report: Report, code: str = ILL_TYPED) -> float | None:
    """Read a duration in seconds; report what is none."""
    if isinstance(value, str):
        length = seconds(value)
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST:
        length = float(value)
    else:
        length = None
    if length is None:
        notes = ("Write seconds as a number, or a text such as `500ms`, `20s`, `1h30m`, `2d`.", "At most ten years.")
        report.add(code, f"{quote(value)} is no duration", origin, *notes)
    return length


def read_settings(value: Json, origin: Origin, report: Report) -> tuple[tuple[str, Json], ...]:
    """Read the pipeline's own settings, in seconds, and how many runs go on at a time."""
    members = report.members(value, SETTINGS, origin, "`settings`")
    read: dict[str, Json] = {
        key: _concurrency(member, origin.child(key), report)
        if key == CONCURRENCY
        else read_duration(member, origin.child(key), report, "ill-typed-setting")
        for key, member in members.items()
    }
    return tuple(sorted((key, setting) for key, setting in read.items() if setting is not None))


def _concurrency(value: Json, origin: Origin, report: Report) -> Json:
    if not report.is_kind(value, "object", origin, f"`{CONCURRENCY}`", "ill-typed-setting"):
        return None
    members = report.members(value, CONCURRENCY_OF, origin, f"`{CONCURRENCY}`", "ill-typed-setting")
    key = members.get(KEY, "")
    is_text = isinstance(key, str) or (isinstance(key, list) and all(isinstance(each, str) for each in key))
    if not is_text:
        note = f'Write "{KEY}": "input.customer", or a list of such fields.'
        report.add("ill-typed-setting", f"`{KEY}` of `{CONCURRENCY}` is no field of the input", origin.child(KEY), note)
        del members[KEY]
    if AT_MOST in members:
        members[AT_MOST] = int(members[AT_MOST])
    return members


def read_budget(value: Json, origin: Origin, report: Report) -> tuple[Budget, tuple[tuple[str, Origin], ...]]:
    """Read what a run may cost, and where each limit stands."""
    code = "ill-typed-setting"
    known: dict[str, Json] = {}
    places: dict[str, Origin] = {}
    for name, member in report.members(value, BUDGET, origin, "`budget`", code).items():
        parts = member if name in MAPS else {"": member}
        for part, given in parts.items():
            at = origin.child(name, part) if part else origin.child(name)
            if name == TIME or is_wait(part):
                read = read_duration(given, at, report, code)
            else:
                complaint = misfit(given, {"type": "number"})
                read = None if complaint else _whole(given)
                if complaint:
                    report.add(code, f"`{part or name}` of the budget {complaint}, not {quote(given)}", at)
            if read is None:
                continue
            places[f"budget:{name}.{part}" if part else f"budget:{name}"] = at
            if part:
                known.setdefault(name, {})[part] = read
            else:
                known[name] = read
        places.setdefault(f"budget:{name}", origin.child(name))
    return tuple(sorted(known.items())), tuple(places.items())


def _whole(value: float) -> int | float:
    """JavaScript writes whole doubles as integers, and reads them so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_policy(value: Json, origin: Origin, report: Report) -> Policy:
    """Read a policy; fields that are wrong are reported, and unset."""
    members = report.members(value, POLICY, origin, "a policy", ILL_TYPED)
    for key in ("timeout", "ttl", "cache"):
        if key in members:
            members[key] = read_duration(members[key], origin.child(key), report)
    if "retry" in members:
        members["retry"] = _retry(members["retry"], origin.child("retry"), report)
    if "priority" in members:
        members["priority"] = int(members["priority"])
    return Policy(**members)


def _retry(value: Json, origin: Origin, report: Report) -> Retry | None:
    """Read the number of attempts, or an object with the times between them too."""
    if not isinstance(value, dict):
        complaint = misfit(value, RETRY["attempts"].schema)
        if complaint is None:
            return Retry(attempts=int(value))
        note = 'Write the number of attempts, or {"attempts": 5, "base": "1s", "cap": "60s"}.'
        report.add(ILL_TYPED, f"`retry` {complaint}, not {quote(value)}", origin, note)
        return None
    members = report.members(value, RETRY, origin, "`retry`", ILL_TYPED)
    for key in ("base", "cap"):
        if key in members:
            members[key] = read_duration(members[key], origin.child(key), report)
    if "attempts" in members:
        members["attempts"] = int(members["attempts"])
    return Retry(**{key: member for key, member in members.items() if member is not None})
