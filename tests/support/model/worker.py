"""What a worker of the plan may do with its claims, whatever it draws: a part of the machine in tests/runtime/store/test_model.py."""

from __future__ import annotations

from typing import Any

from saltern_runtime.store.calls import Claim, Failed, Outcome, Sleep, Stopped
from tests.support.model.both import Both, same
from tests.support.model.plan import DEEP, ENTRIES, opening, told_by, undo_of
from tests.support.model.runs import World, item_of

ASKS = '{"form":1}'
FAILURE = '{"kind":"external","code":"no","message":"m"}'
STOPPED = '{"kind":"stopped","code":"stopped","message":"m"}'
HOWS = (
    *("succeed",) * 4, *("undoable",) * 5, "skip", "handle", "retry", "die", "die", "catch", "lose region", *("open",) * 4, "loop", "loop", "wait", "ask", "ask", "ask",
    "stop", "release", "extend", "extend", "adopt", "lose", "hold", "hold", "hold",
)  # fmt: skip
COLLECTS = ("succeed", "again", "again", "again", "die", "catch", "release", "extend")
SETTLES = {
    "skip": ("skip",), "timeout": ("retry", "time out", "catch"), "expired": ("time out", "catch"), "collect": COLLECTS,
    "broken": ("handle", "die", "release"),
}  # fmt: skip
"""What a worker may do with a claim of some verdict."""
STALE = 24


class Worker:
    """Holds claims, and ends them in one way or another."""

    both: Both

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.claims: list[Claim] = []

    def name(self, form: str) -> str:
        self.number += 1
        return form.format(self.number)

    def nonce(self) -> str:
        return self.name("{:016x}")

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        got = self.both.call(name, *args, **named)
        claim = getattr(got, "claim", None)
        if claim is not None and claim not in self.claims:
            self.claims.append(claim)
        return got

    @property
    def world(self) -> World:
        return self.both.world

    def held(self) -> list[Claim]:
        """Return the claims that stand."""
        acts = [(claim, self.world.runs[claim.run].act(claim.path)) for claim in self.claims]
        return [claim for claim, act in acts if act is not None and (act.state, act.nonce) == ("RUNNING", claim.nonce)]

    def claim(self, pick: int) -> None:
        """Answer a bell: mostly one that is rung."""
        if not self.both.bells:
            return
        bells = dict(self.both.held["bells"] or {})
        rung = [
            bell
            for bell in self.both.bells
            if dict(bells.get(bell.queue, {})).get(f"rung:{bell.slot}", "").startswith(f"{bell.serial}|")
        ]
        of = rung if pick < 29 else self.both.bells
        if of:
            self.call("answer", of[pick % len(of)], self.nonce())

    def work_at(self, pick: int, how: str, on: bool, shape: int) -> None:
        """Do something with a claim that is held; now and then with one that was lost, as a worker does that does not know."""
        held = self.held()
        of = held if pick < STALE else self.claims[-STALE:]
        if not of:
            return
        claim = of[pick % len(of)]
        may = SETTLES.get(claim.verdict)
        if may:
            how = may[(HOWS.index(how) + shape) % len(may)]
        self.end(claim, how, self.nonce() if on else None, shape)

    def end(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """Do what a worker may do with a claim."""
        act = self.world.runs[claim.run].act(claim.path)
        cursor = act.cursor if act else None
        may_open = (
            claim.verdict in ("", "lost") and claim.path.count("[") < DEEP and not claim.path.endswith("/compensate")
        )
        if (how in ("open", "loop") and not may_open) or (how == "again" and not (cursor and cursor.carries)):
            how = "succeed"
        if how in ("catch", "lose region") and not item_of(claim.path):
            how = "handle"
        done = {"succeed": self.tell, "undoable": self.tell, "skip": self.tell, "handle": self.tell, "die": self.die, "time out": self.die,
                "catch": self.caught, "lose region": self.caught, "open": self.open, "loop": self.open, "wait": self.wait, "ask": self.wait}.get(how, self.more)  # fmt: skip
        done(claim, how, nonce, shape)

    def tell(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """End a stage, and tell those behind it."""
        plan = self.world.runs[claim.run].plan
        state = {"skip": "SKIPPED", "handle": "FAILED"}.get(how, "SUCCEEDED")
        values = {"SUCCEEDED": {claim.path: f'"{claim.nonce}"'}, "FAILED": {f"{claim.path}!": FAILURE}}.get(state, {})
        undo = undo_of(claim.path, plan) if how == "undoable" and claim.path in ENTRIES else None
        failure = FAILURE if state == "FAILED" else None
        self.collected(claim)
        told = told_by(claim.path, plan, state)
        self.call("advance", claim, Outcome(state, told, values, failure=failure, undo=undo), nonce)

    def die(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """Fail for good."""
        state = "DEAD" if how == "die" else "TIMED_OUT"
        self.call("fail", claim, Failed(FAILURE, None, state, dead=shape % 3 > 0), nonce)

    def caught(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """Fail for good, where a region around it goes on without the item, or the run without the region."""
        place = item_of(claim.path)
        while shape % 2 and item_of(place[0]):
            place, shape = item_of(place[0]), shape // 2
        self.call("fail", claim, Failed(FAILURE, None, item=(place[0], place[1] if how == "catch" else None)), nonce)

    def open(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """Open a region."""
        plan, mode = self.world.runs[claim.run].plan, ("stop", "continue", "collect")[shape // 4]
        items, carries = (1, True) if how == "loop" else (1 + shape % 3, False)
        within = 3.0 if carries and shape % 2 else None
        opened = opening(claim.path, plan, (items, 1 + shape % 2, mode), carries=carries, within=within)
        self.call("open", claim, opened, Outcome("SUCCEEDED", ()), nonce)

    def wait(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """Sleep: until a moment, for so long, until an answer comes, or until the run ends."""
        if how == "ask":
            sleep = Sleep(None, None, ASKS)
        elif shape % 2:
            sleep = Sleep(None, (self.world.now + (0, 2000, 10_000)[shape % 3]) / 1000, None)
        else:
            sleep = Sleep((0.0, 1.5, 30.0, None)[shape // 2 % 4], None, ASKS if shape % 3 == 0 else None)
        self.call("suspend", claim, sleep, Outcome("SUCCEEDED", ()), nonce)

    def more(self, claim: Claim, how: str, nonce: str | None, shape: int) -> None:
        """Do one of the smaller things."""
        match how:
            case "retry":
                self.call("fail", claim, Failed(FAILURE, (0.0, 1.0, 20.0)[shape % 3]), nonce)
            case "again":
                self.call("again", claim, f'"state{self.number}"', nonce)
            case "stop":
                ends = Stopped("FAILED", "{}", STOPPED) if shape % 2 else Stopped("SUCCEEDED", "{}", output='"out"')
                self.call("stop", claim, ends, nonce)
            case "adopt":
                self.call("adopt", claim, self.name("0-{:024x}"))
            case "lose":
                self.call("lose", claim, (["a"], ["b", "a"], ["c"])[shape % 3], FAILURE)
            case "extend" | "release":
                self.call(how, claim)

    def collected(self, claim: Claim) -> None:
        """Look at what the items of a region gave: it is all there before it is over."""
        cursor = self.world.runs[claim.run].act(claim.path).cursor if claim in self.held() else None
        if claim.verdict == "collect" and cursor is not None:
            given = [(cursor.yielded.get(at), cursor.failed.get(at)) for at in range(cursor.items)]
            got = list(self.both.store.results(claim, errors=True))
            same("items", got[-1:] if cursor.carries else got, given[-1:] if cursor.carries else given)
