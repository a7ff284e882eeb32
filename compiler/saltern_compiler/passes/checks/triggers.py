"""What starts a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import Pipeline, Trigger
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.base import Check, Context, did_you_mean, join
from saltern_compiler.passes.settings import check_settings
from saltern_runtime.spec import STRING, LiteralType, Param

TRIGGERS: Final = {
    "api": (),
    "webhook": (
        Param("path", STRING, doc="Where it listens, such as `/tickets`."),
        Param("signature", LiteralType("standard"), doc="How requests are signed: `standard` (Standard Webhooks)."),
        Param("secret", STRING, secret=True, doc="The key that signatures are checked with."),
    ),
}
"""Trigger type → its settings."""
_LATER: Final = frozenset({"schedule"})
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, slots=True)
class Triggers(Check):
    """`unknown-trigger`, settings, `invalid-webhook-path`, `duplicate-trigger`, `does-not-run-yet`."""

    name: str = "triggers"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report triggers that could not start anything."""
        seen: set[str] = set()
        for trigger in pipeline.triggers:
            _check(trigger, context)
            path = trigger.setting("path")
            key = f"{trigger.type} {path.value}" if isinstance(path, Literal) else trigger.type
            if key in seen and (trigger.type == "api" or path is not None):
                what = f"a webhook at `{path.value}`" if isinstance(path, Literal) else f"the trigger `{trigger.type}`"
                notes: tuple[str, ...] = (
                    "One door cannot lead to two places: give each a path of its own, or leave one out.",
                )
                context.report(Diagnostic("duplicate-trigger", f"{what} stands twice", trigger.origin, notes=notes))
            seen.add(key)


def _check(trigger: Trigger, context: Context) -> None:
    if trigger.type in _LATER:
        notes: tuple[str, ...] = ("Start runs over the API from a scheduler that you have.",)
        message = f"the trigger `{trigger.type}` does not run yet"
        context.report(Diagnostic("does-not-run-yet", message, trigger.origin, notes=notes))
        return
    if trigger.type not in TRIGGERS:
        notes = (*did_you_mean(context.nearest(trigger.type, TRIGGERS)), f"There are {join(TRIGGERS)}.")
        message = f"unknown trigger `{trigger.type}`"
        context.report(Diagnostic("unknown-trigger", message, trigger.origin, notes=notes))
        return
    check_settings(f"the trigger `{trigger.type}`", trigger.settings, TRIGGERS[trigger.type], trigger.origin, context)
    path = trigger.setting("path")
    if trigger.type == "webhook" and isinstance(path, Literal) and isinstance(path.value, str):
        _check_path(path.value, path, context)


def _check_path(text: str, path: Literal, context: Context) -> None:
    if _PATH.fullmatch(text) and not {".", ".."} & set(text.split("/")) and len(text) <= 200:
        return
    notes: tuple[str, ...] = (
        "A path begins with `/` and has letters, digits, `.`, `_`, `~` and `-` between its slashes, such as `/tickets`.",
    )
    context.report(Diagnostic("invalid-webhook-path", "a webhook cannot listen at this path", path.origin, notes=notes))
