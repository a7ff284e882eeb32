"""What people do to runs: one method a script, as in `store`. Each change is audited with who, what and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

from saltern_runtime.jsontext import compact
from saltern_runtime.store import scripts
from saltern_runtime.store.calls import Bell
from saltern_runtime.store.holding import hold_payloads
from saltern_runtime.store.keys import queue_name, shard_of
from saltern_runtime.store.rerunning import Ended, RerunBatch, lay
from saltern_runtime.store.values import Values

Verdict: TypeAlias = Literal[
    "ok", "missing", "done", "late", "older", "open", "succeeded", "cancelled", "stopped", "undone",
    "moved", "started", "busy", "large", "unlike", "unknown", "unreached", "undoable", "unfinished", "gone", "changed",
]  # fmt: skip
"""What became of it: `done`, it was so already; `late`, the run is over or on its way there; `older`, an earlier runtime made the run.
Of a replay, why there is none: the run is `open`, has `succeeded`, was `cancelled` or `stopped` by a node, or has `undone` what it did.
Of a migration also: the run is of another plan, so it `moved`; another run `started` it; something of it is `busy`; it keeps too much, so is too
`large`; or the two plans are `unlike`.
Of a rerun also: the node is `unknown`, or `unreached`; what it did is `undoable`, once; an earlier rerun is `unfinished`; a value that is
needed is `gone`; or the run has `changed` meanwhile."""
_AUDITED: Final = ("by", "why")
_KEPT: Final = 500
"""Characters of a reason that are kept."""


class Operated(NamedTuple):
    """What became of it, and the bells to send."""

    verdict: Verdict
    bells: tuple[Bell, ...] = ()


class Operations(Values):
    """Pause, resume, replay, rerun, cancel, discard."""

    def pause(self, run_id: str, tenant: str | None, nonce: str, audit: str) -> Operated:
        """Let nothing more of a run begin. The audit is JSON text, as `audited` writes it."""
        return self._operate(scripts.Pause, run_id, tenant, nonce, audit)

    def resume(self, run_id: str, tenant: str | None, nonce: str, audit: str) -> Operated:
        """Let a run go on that was paused."""
        return self._operate(scripts.Resume, run_id, tenant, nonce, audit)

    def replay(self, run_id: str, tenant: str | None, nonce: str, audit: str) -> Operated:
        """Let a run that failed, or reached its deadline, go on from where that cut it off."""
        if shard_of(run_id) is not None:
            hold_payloads(self, run_id, tenant)
        return self._operate(scripts.Replay, run_id, tenant, nonce, audit)

    def migrate(self, run_id: str, tenant: str | None, nonce: str, audit: str, *, was: str, plan: str) -> Operated:
        """Let an open run of which nothing runs go on with another plan (both are digests) of the same shape."""
        shard = shard_of(run_id)
        if shard is None:
            return Operated("missing")
        before, after = (queue_name(digest, "") for digest in (was, plan))
        call = scripts.Migrate(
            run=run_id, tenant=tenant, nonce=nonce, audit=self._audited(run_id, audit), was=was, plan=plan, before=before, after=after, **self._rings
        )  # fmt: skip
        verdict, bells = self._send(shard, call)
        return Operated(cast("Verdict", verdict), self._told(shard, bells))

    def rerun(
        self, ended: Ended, tenant: str | None, nonce: str, audit: str, batches: Sequence[RerunBatch]
    ) -> Operated:
        """Let a run that is over begin anew as the batches say, which were made of what it was."""
        forgotten = {name for batch in batches for name in batch["vals"]}
        if hold_payloads(self, ended.id, tenant) - forgotten:
            return Operated("gone")
        lay(self, ended.id, nonce, batches)
        generation = int(ended.fields["generation"])
        call = scripts.Rerun(
            run=ended.id,
            tenant=tenant,
            nonce=nonce,
            generation=generation,
            audit=self._audited(ended.id, audit),
            **self._rings,
        )
        shard = shard_of(ended.id) or 0
        verdict, bells = self._send(shard, call)
        return Operated(cast("Verdict", verdict), self._told(shard, bells))

    def cancel(
        self, run_id: str, tenant: str | None, failure: str, audit: str | None = None
    ) -> tuple[str | None, tuple[Bell, ...]]:
        """End a run early; returns the state it is in now, None where the tenant (None: any) has no such run."""
        shard = shard_of(run_id)
        if shard is None:
            return None, ()
        call = scripts.Cancel(
            run=run_id,
            tenant=tenant,
            failure=self._hidden(run_id, failure),
            audit=None if audit is None else self._audited(run_id, audit),
            **self._rings,
        )
        state, bells = self._send(shard, call)
        return None if state == "missing" else state, self._told(shard, bells)

    def halt(self, shard: int, schedule: str, audit: str, *, goes: bool) -> None:
        """Let a schedule make no runs, or go on; where it is so already, nothing changes."""
        self._send(shard, scripts.Halt(schedule=schedule, audit=self._audited(schedule, audit), goes=goes or None))

    def discard(self, run_id: str, path: str, tenant: str | None, audit: str) -> Operated:
        """Take a dead letter away; its run stays as it is."""
        shard = shard_of(run_id)
        if shard is None:
            return Operated("missing")
        call = scripts.Discard(run=run_id, path=path, tenant=tenant, audit=self._audited(run_id, audit))
        return Operated(cast("Verdict", self._send(shard, call)[0]))

    def note(self, run_id: str, tenant: str | None, audit: str) -> Operated:
        """Keep with a run what somebody did about it."""
        shard = shard_of(run_id)
        if shard is None:
            return Operated("missing")
        call = scripts.Note(run=run_id, tenant=tenant, audit=self._audited(run_id, audit))
        return Operated(cast("Verdict", self._send(shard, call)[0]))

    def _operate(
        self,
        call: type[scripts.Pause | scripts.Resume | scripts.Replay],
        run_id: str,
        tenant: str | None,
        nonce: str,
        audit: str,
    ) -> Operated:
        shard = shard_of(run_id)
        if shard is None:
            return Operated("missing")
        given = call(run=run_id, tenant=tenant, nonce=nonce, audit=self._audited(run_id, audit), **self._rings)
        verdict, bells = self._send(shard, given)
        return Operated(cast("Verdict", verdict), self._told(shard, bells))

    def audit(self, run_id: str) -> list[dict[str, Any]]:
        """Return what people did to a run, the first thing first."""
        key = self.keys.run(run_id, ":audit")
        texts: Any = self.patiently(lambda: self.at(key).lrange(key, 0, -1))
        return [self.seals.shown(json.loads(text), run_id) for text in texts]

    def _audited(self, run_id: str, audit: str) -> str:
        return self.seals.hidden(audit, run_id, *_AUDITED)


def audited(what: str, by: str, why: str, **more: str) -> str:
    """Write what somebody did as the audit keeps it; the store adds the moment, `at` in Unix seconds."""
    return compact({"what": what, "by": by, "why": why[:_KEPT], **more})
