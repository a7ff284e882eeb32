"""What differs between the triggers of two pipelines: those are what callers call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from saltern_compiler.diff import written
from saltern_compiler.diff.forms import Names, form_of
from saltern_compiler.diff.model import Change, Grade, between
from saltern_compiler.ir.pipeline import LENGTHS, Pipeline, Trigger
from saltern_compiler.ir.values import Literal, Value, same_json

_SCHEDULE = "schedule"


def of_triggers(old: Pipeline, new: Pipeline, names: Names) -> Iterator[Change]:
    """Yield what differs: a webhook is known by its path, a schedule by its id, or by when it fires."""
    ours, theirs = _known(old), _known(new)
    moved = _moved(ours, theirs)
    for key in sorted({*ours, *theirs} - {*moved, *moved.values()}):
        before, after = ours.get(key), theirs.get(key)
        if before is not None and after is not None:
            yield from _of_pair(key, before, after, (old, new), names)
        elif before is not None:
            grade, why = (Grade.SAFE, "") if before.type == _SCHEDULE else (Grade.BREAKING, "who calls it is refused")
            yield Change("removed", "trigger", key, "", written.trigger(before, old), None, grade, why)
        elif after is not None:
            yield Change("added", "trigger", key, "", None, written.trigger(after, new))
    for key, other in sorted(moved.items()):
        yield from _of_pair(other, ours[key], theirs[other], (old, new), names)


def _known(pipeline: Pipeline) -> Mapping[str, Trigger]:
    found: dict[str, Trigger] = {}
    for trigger in pipeline.triggers:
        key = " ".join(
            filter(None, (trigger.type, _text(trigger, "id") or _text(trigger, "path") or _text(trigger, "cron")))
        )
        number = sum(other == key or other.startswith(f"{key} (") for other in found)
        found[f"{key} ({number + 1})" if key in found else key] = trigger
    return found


def _text(trigger: Trigger, name: str) -> str:
    value = trigger.setting(name)
    return value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""


def _moved(old: Mapping[str, Trigger], new: Mapping[str, Trigger]) -> Mapping[str, str]:
    """Return a schedule without an id that fires at another time now, where there is one of them on each side."""
    left = [
        [key for key in of if of[key].type == _SCHEDULE and key not in other] for of, other in ((old, new), (new, old))
    ]
    return {left[0][0]: left[1][0]} if len(left[0]) == len(left[1]) == 1 else {}


def _of_pair(key: str, old: Trigger, new: Trigger, sides: Sequence[Pipeline], names: Names) -> Iterator[Change]:
    forms = [form_of(each).get("settings", {}) for each in (names.of_trigger(old), new)]
    for name in sorted({*forms[0], *forms[1]}):
        if name in forms[0] and name in forms[1] and same_json(forms[0][name], forms[1][name]):
            continue
        before, after = (_written(each.setting(name), name, side) for each, side in ((old, sides[0]), (new, sides[1])))
        grade, why = _graded(new.type, name, is_there=before is not None and after is not None)
        yield between("trigger", key, name, before, after, grade, why)


def _written(value: Value | None, name: str, side: Pipeline) -> str | None:
    if value is None:
        return None
    if name in LENGTHS and isinstance(value, Literal) and isinstance(value.value, float) and value.value >= 0:
        return written.length(value.value)
    return written.value(value, side)


def _graded(type_: str, name: str, *, is_there: bool) -> tuple[Grade, str]:
    if type_ == _SCHEDULE:
        return Grade.SAFE, ""
    if name == "respond" and is_there:
        return Grade.SAFE, ""
    whys = {
        "respond": "callers get another answer: that of the run, or a 202 at once",
        "secret": "deliveries are refused unless both variables hold the same",
        "body": "what is sent is read in another way",
    }
    return Grade.BREAKING, whys.get(name, "what was sent until now may be refused")
