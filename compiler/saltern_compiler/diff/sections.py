"""What differs between the sections of two pipelines: name, types, settings, uses, secrets, connections, own modules."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from saltern_compiler.diff import types, written
from saltern_compiler.diff.forms import Names, form_of
from saltern_compiler.diff.model import Change, Grade, Subject, between
from saltern_compiler.diff.side import Side
from saltern_compiler.ir.budget import ASSUME, assumptions
from saltern_compiler.ir.pipeline import Connection, Pipeline
from saltern_compiler.ir.values import SecretRef, parts_of, same_json
from saltern_runtime.spec import Assumes, show

T = TypeVar("T")


def names_of(old: Pipeline, new: Pipeline) -> Names:
    """Find which uses, secrets and connections have another name now, and lead to the same."""
    uses = _renamed({each.name: each.path for each in old.uses}, {each.name: each.path for each in new.uses})
    secrets = _renamed(
        {each.name: each.reference for each in old.secrets}, {each.name: each.reference for each in new.secrets}
    )
    names = Names(uses=uses, secrets=secrets)
    connections = _renamed(
        {each.name: _text(names.of_connection(each)) for each in old.connections},
        {each.name: _text(each) for each in new.connections},
    )
    return Names(uses=uses, secrets=secrets, connections=connections)


def _text(of: Connection) -> str:
    return json.dumps(form_of(of), sort_keys=True)


def _renamed(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return old name → new name of what is the same but for its name; in order where several are alike."""
    left: dict[str, list[str]] = defaultdict(list)
    for name in sorted(new.keys() - old.keys(), reverse=True):
        left[new[name]].append(name)
    found: dict[str, str] = {}
    for name in sorted(old.keys() - new.keys()):
        if left[old[name]]:
            found[name] = left[old[name]].pop()
    return found


def of_sections(old: Side, new: Side, names: Names, *, is_called: bool) -> Iterator[Change]:
    """Yield what differs. `is_called`: another pipeline runs it, so that no caller of the API sees its types."""
    ours, theirs = old.pipeline, new.pipeline
    if ours.name != theirs.name:
        grade = Grade.SAFE if is_called else Grade.BREAKING
        why = "" if is_called else "the service, its package and its keys are called after it"
        yield Change("changed", "pipeline", theirs.name, "name", ours.name, theirs.name, grade, why)
    yield from _of_types(old, new, is_called=is_called)
    settings = [{name: written.setting(value) for name, value in each.settings} for each in (ours, theirs)]
    yield from _of_named("setting", settings[0], settings[1], {})
    yield from _of_budgets(ours, theirs, is_called=is_called)
    for field, before, after in written.policies(ours.policy, theirs.policy):
        yield between("policy", f"@{field}", "", before, after)
    uses = [{each.name: each.path for each in side.uses} for side in (ours, theirs)]
    yield from _of_named("use", uses[0], uses[1], names.uses)
    yield from _of_secrets(ours, theirs, names)
    yield from _of_connections(ours, theirs, names)
    yield from _of_modules(old.files, new.files)


def _of_budgets(old: Pipeline, new: Pipeline, *, is_called: bool) -> Iterator[Change]:
    """Yield what differs between limits; where less is assumed of the input, callers are refused who were not before."""
    budgets = [dict(written.budget(each.budget)) for each in (old, new)]
    ours, theirs = (assumptions(each.budget) for each in (old, new))
    less = {
        f"{ASSUME} {name}"
        for name, most in theirs.items()
        if Assumes(name, most).path and most < ours.get(name, math.inf)
    }
    for change in _of_named("budget", budgets[0], budgets[1], {}):
        is_breaking = change.name in less and not is_called
        yield _breaking(change, "no run begins with more of it") if is_breaking else change


def _of_types(old: Side, new: Side, *, is_called: bool) -> Iterator[Change]:
    pairs: tuple[tuple[Subject, types.Way], ...] = (("input", "in"), ("output", "out"))
    for subject, way in pairs:
        of = [side.pipeline.input if way == "in" else side.output for side in (old, new)]
        for each in types.differences(of[0], of[1], way):
            grade, why = (Grade.SAFE, "") if is_called else (each.grade, each.why)
            yield Change(each.kind, subject, each.path, "", each.old, each.new, grade, why)
    ours, theirs = old.pipeline.output, new.pipeline.output
    declared = [None if each is None else show(each) for each in (ours, theirs)]
    if (ours is None) != (theirs is None) and show(old.output) == show(new.output):
        yield between("output", "", "declaration", declared[0], declared[1], Grade.COSMETIC)


def _of_named(
    subject: Subject, old: Mapping[str, str], new: Mapping[str, str], renamed: Mapping[str, str]
) -> Iterator[Change]:
    """Yield what differs between names that stand for one text each."""
    yield from _of_renamed(subject, renamed)
    for name in _left(old, new, renamed):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield between(subject, name, "", before, after)


def _of_renamed(subject: Subject, renamed: Mapping[str, str]) -> Iterator[Change]:
    for before, after in sorted(renamed.items()):
        yield Change("renamed", subject, after, "", before, after, Grade.COSMETIC)


def _left(old: Iterable[str], new: Iterable[str], renamed: Mapping[str, str]) -> list[str]:
    return sorted({*old, *new} - {*renamed, *renamed.values()})


def _of_secrets(old: Pipeline, new: Pipeline, names: Names) -> Iterator[Change]:
    """Yield what differs between references; those that deliveries are checked with are the callers' business."""
    checked = {
        part.name
        for each in old.triggers
        for _, of in each.settings
        for part in parts_of(of)
        if isinstance(part, SecretRef)
    }
    secrets = [{each.name: written.reference(each.reference) for each in side.secrets} for side in (old, new)]
    for change in _of_named("secret", secrets[0], secrets[1], names.secrets):
        is_breaking = change.kind == "changed" and change.name in checked
        yield _breaking(change, "deliveries are refused unless both hold the same") if is_breaking else change


def _breaking(change: Change, why: str) -> Change:
    return replace(change, grade=Grade.BREAKING, why=why)


def _of_connections(old: Pipeline, new: Pipeline, names: Names) -> Iterator[Change]:
    ours, theirs = ({each.name: each for each in side.connections} for side in (old, new))
    yield from _of_renamed("connection", names.connections)
    for name in _left(ours, theirs, names.connections):
        before, after = ours.get(name), theirs.get(name)
        if before is None or after is None or before.connector != after.connector:
            shown = [
                None if each is None else written.connection(each, side) for each, side in ((before, old), (after, new))
            ]
            yield between("connection", name, "", shown[0], shown[1])
            continue
        settings = [
            {key: written.value(value, side) for key, value in each.settings}
            for each, side in ((before, old), (after, new))
        ]
        forms = [form_of(each).get("settings", {}) for each in (names.of_connection(before), after)]
        for key in sorted({*settings[0], *settings[1]}):
            if key not in forms[0] or key not in forms[1] or not same_json(forms[0][key], forms[1][key]):
                values = [of.get(key) for of in settings]
                yield between("connection", name, key, values[0], values[1])
        for field, was, now in written.policies(before.policy, after.policy):
            yield between("connection", name, f"@{field}", was, now)


def _of_modules(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        shown = [None if text is None else f"{len(text.splitlines())} lines" for text in (before, after)]
        yield between("module", path, "", shown[0], shown[1])
