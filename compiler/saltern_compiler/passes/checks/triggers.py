"""What starts a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, get_args

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, there_are
from saltern_compiler.expr.written import zones
from saltern_compiler.frontend.durations import show_duration
from saltern_compiler.ir import concurrency
from saltern_compiler.ir.canonical import schedule_id
from saltern_compiler.ir.pipeline import Pipeline, Trigger
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes import webhooks
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.settings import check_settings
from saltern_compiler.passes.values import misfits
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, DOUBLE, STRING, LiteralType, MapType, Param, show, union
from saltern_runtime.spec.concurrency import MOST_JITTER, Over, Overlap
from saltern_runtime.spec.names import SCHEDULE_ID

TRIGGERS: Final = {
    "api": (),
    "webhook": webhooks.PARAMS,
    "schedule": (
        Param("cron", STRING, doc="When: minute, hour, day of month, month, day of week, such as `0 7 * * 1-5`."),
        Param("time_zone", STRING, required=False, default="UTC", doc="Where that time is, such as `Europe/Zurich`."),
        Param(
            "catch_up",
            union(LiteralType("skip"), LiteralType("last"), LiteralType("all")),
            required=False,
            default="last",
            doc="Which of the runs that an outage cost are made up for.",
        ),
        Param(
            "overlap",
            union(*map(LiteralType, get_args(Overlap))),
            required=False,
            default="allow",
            doc="What becomes of a run that is due while an earlier one of the schedule is not over.",
        ),
        Param(
            "jitter",
            DOUBLE,
            required=False,
            doc="By how much its runs may come later: by how much, hangs on its name alone.",
        ),
        Param("input", MapType(ANY), required=False, doc="What its runs are given."),
        Param("id", STRING, required=False, doc="A name that stays when its time changes."),
    ),
}
"""Trigger type → its settings."""
_LONGEST: Final = 60.0
"""Seconds that a request is kept waiting, at most; the runtime's own limit."""
_ID: Final = re.compile(SCHEDULE_ID)
_SOME_DAY: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - any day, anywhere: only whether another one follows counts
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, slots=True)
class Triggers(Check):
    """`unknown-trigger`, settings, `invalid-webhook-path`, `invalid-signature`, `duplicate-trigger`, `invalid-schedule`, `unknown-time-zone`."""

    name: str = "triggers"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report triggers that could not start anything."""
        seen: set[str] = set()
        for trigger in pipeline.triggers:
            _check(trigger, pipeline, context)
            key = _door(trigger)
            if key in seen:
                path = trigger.setting("path")
                what = f"a webhook at `{path.value}`" if isinstance(path, Literal) else f"the trigger `{trigger.type}`"
                notes: tuple[str, ...] = (
                    ("Each of its ticks is one run: leave one out, or change its time.",)
                    if trigger.type == "schedule"
                    else ("One door cannot lead to two places: give each a path of its own, or leave one out.",)
                )
                context.report(Diagnostic("duplicate-trigger", f"{what} stands twice", trigger.origin, notes=notes))
            if key is not None:
                seen.add(key)


def _door(trigger: Trigger) -> str | None:
    """Return what no two triggers may share; None where it cannot be told."""
    if trigger.type == "schedule":
        return f"schedule {schedule_id(trigger)}"
    path = trigger.setting("path")
    if trigger.type == "api":
        return "api"
    return f"{trigger.type} {path.value}" if isinstance(path, Literal) else None


def _check(trigger: Trigger, pipeline: Pipeline, context: Context) -> None:
    if trigger.type not in TRIGGERS:
        notes: tuple[str, ...] = (
            *did_you_mean(context.nearest(trigger.type, TRIGGERS)),
            *there_are(TRIGGERS),
        )
        message = f"unknown trigger `{trigger.type}`"
        context.report(Diagnostic("unknown-trigger", message, trigger.origin, notes=notes))
        return
    if trigger.type == "webhook":
        webhooks.check_webhook(trigger, pipeline, context)
    else:
        owner = f"the trigger `{trigger.type}`"
        check_settings(owner, trigger.settings, TRIGGERS[trigger.type], trigger.origin, context, pipeline=pipeline)
    path = trigger.setting("path")
    if trigger.type == "webhook" and isinstance(path, Literal) and isinstance(path.value, str):
        _check_path(path.value, path, context)
    respond = trigger.setting("respond")
    if isinstance(respond, Literal) and isinstance(respond.value, float) and not 0 < respond.value <= _LONGEST:
        message = f"a request cannot wait {show_duration(max(0.0, respond.value))} for its answer"
        notes = (f"More than 0 seconds, at most {_LONGEST:.0f}: whoever sent it does not wait longer.",)
        context.report(Diagnostic("out-of-bounds", message, respond.origin, notes=notes))
    if trigger.type == "schedule":
        _check_schedule(trigger, pipeline, context)


def _check_schedule(trigger: Trigger, pipeline: Pipeline, context: Context) -> None:
    def report(code: str, message: str, at: Origin, *notes: str) -> None:
        context.report(Diagnostic(code, message, at, notes=notes))

    cron, zone, name = (trigger.setting(key) for key in ("cron", "time_zone", "id"))
    if isinstance(cron, Literal) and isinstance(cron.value, str) and (reason := _why_no_cron(cron.value)):
        rule = "Five fields: minute, hour, day of month, month, day of week, such as `0 7 * * 1-5`."
        report("invalid-schedule", f"a schedule cannot be `{cron.value[:60]}`", cron.origin, reason, rule)
    if isinstance(zone, Literal) and isinstance(zone.value, str) and zone.value not in zones():
        near = context.nearest(zone.value, zones())
        report(
            "unknown-time-zone",
            f"unknown time zone `{zone.value[:60]}`",
            zone.origin,
            *(did_you_mean(near) or ("Time zones have the names of the IANA database, such as `Europe/Zurich`.",)),
        )
    if isinstance(name, Literal) and isinstance(name.value, str) and not _ID.fullmatch(name.value):
        rule = (
            "Letters, digits, `_` and `-`, a letter or `_` first, at most 64 characters: it is part of the ids of runs."
        )
        report("invalid-name", f"a schedule cannot be named `{name.value[:60]}`", name.origin, rule)
    _check_overlap(trigger, pipeline, report)
    given = trigger.setting("input")
    if given is None or (isinstance(given, Literal) and isinstance(given.value, dict)):
        data = given.value if isinstance(given, Literal) else {}
        place = given.origin if given is not None else trigger.origin
        for misfit in misfits(data, pipeline.input):
            message = f"`input` of the trigger `schedule`: {misfit.message}"
            note = f"The pipeline takes {show(pipeline.input)}."
            report("ill-typed-setting", message, place.child(*misfit.path) if given is not None else place, note)


def _check_overlap(trigger: Trigger, pipeline: Pipeline, report: Callable[..., None]) -> None:
    overlap, jitter = trigger.setting("overlap"), trigger.setting("jitter")
    if concurrency.given(pipeline) is not None and isinstance(overlap, Literal) and overlap.value in get_args(Over):
        note = "Its runs are among those that `concurrency` lets go on: leave one of both out."
        report(
            "ill-typed-setting",
            "`overlap` of the trigger `schedule`: the pipeline has a `concurrency`",
            overlap.origin,
            note,
        )
    if isinstance(jitter, Literal) and isinstance(jitter.value, float) and not 0 <= jitter.value <= MOST_JITTER:
        rule = f"At most {show_duration(MOST_JITTER)}."
        report("out-of-bounds", "`jitter` of the trigger `schedule` is out of bounds", jitter.origin, rule)


def _why_no_cron(text: str) -> str:
    """Say why a text is no cron line that ever comes; empty where it is one."""
    fields = text.split()
    if len(fields) != 5 or text.startswith("@"):
        return f"It has {len(fields)} field{'' if len(fields) == 1 else 's'}."
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few pipelines have a schedule

    try:
        next(CronSim(text, _SOME_DAY))
    except (CronSimError, StopIteration) as error:
        return f"{error}." if str(error) else "No day fits it."
    return ""


def _check_path(text: str, path: Literal, context: Context) -> None:
    is_ours = f"{text}/".startswith(("/runs/", "/schedules/", "/answers/")) or text == "/files"
    if _PATH.fullmatch(text) and not {".", ".."} & set(text.split("/")) and len(text) <= 200 and not is_ours:
        return
    notes: tuple[str, ...] = (
        "`/files` is where the API itself takes files."
        if text == "/files"
        else "`/runs`, `/schedules` and `/answers` are where the API itself starts and shows runs, and takes answers."
        if is_ours
        else "A path begins with `/` and has letters, digits, `.`, `_`, `~` and `-` between its slashes, such as `/tickets`.",
    )
    context.report(Diagnostic("invalid-webhook-path", "a webhook cannot listen at this path", path.origin, notes=notes))
