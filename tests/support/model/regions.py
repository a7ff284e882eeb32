"""The model of regions: windows over items, how items end, what is cancelled with them. Small ones: no script needs the timers' help."""

from __future__ import annotations

import json
from typing import Any

from tests.support.model.runs import PENDING, Act, Cursor, Run, World, item_of


def of_item(shape: Any, index: int) -> Any:
    """Return a body, or entries, of one item."""
    return json.loads(json.dumps(shape).replace("[*]", f"[{index}]"))


def refill(world: World, run: Run, owner: Act) -> None:
    """Begin items until the window is full."""
    cursor = owner.cursor
    while cursor.next < cursor.items and len(cursor.live) < cursor.most:
        for entry in of_item(cursor.entries, cursor.next):
            world.arrive(run, entry)
        cursor.live.append(cursor.next)
        cursor.next += 1


def open_in(run: Run, owner: str, index: int) -> int:
    """Return how many activations are open in an item."""
    return sum(item_of(act.path) == (owner, index) for act in run.pending)


def is_live(run: Run, owner: str, index: int) -> bool:
    """Say whether an item has begun and not ended."""
    act = run.act(owner)
    return act is not None and act.cursor is not None and index in act.cursor.live


def forget(run: Run, paths: list[str]) -> None:
    for path in paths:
        run.acts.pop(path, None)


def drop_items(run: Run, owner: Act) -> None:
    """Drop all that an open region keeps, but for its own record."""
    forget(run, [path for path in run.acts if path.startswith(f"{owner.path}[")])
    owner.cursor = None


def drop_values(run: Run, names: list[str]) -> None:
    for name in names:
        run.values.pop(name, None)
        run.answers.pop(name.removesuffix("?") if name.endswith("?") else "", None)


def end_item(world: World, run: Run, place: tuple[str, int], failure: str | None, last: str) -> None:
    """Keep an item's yield and drop the rest; what ended it stays, so that it may be sent twice."""
    owner, index = run.act(place[0]), place[1]
    if owner is None or owner.state != "SUSPENDED" or not is_live(run, *place):
        return
    cursor, body = owner.cursor, of_item(owner.cursor.body, index)
    value = None if failure else run.values.get(body["result"])
    if cursor.carries:
        value = value if value is not None else cursor.values.get(index)
    if value is not None:
        cursor.yielded[index] = value
    elif failure and cursor.mode == "collect":
        cursor.failed[index] = failure
    cursor.values.pop(index, None)
    forget(run, [path for path in body["acts"] if path != last])
    drop_values(run, body["vals"])
    cursor.live.remove(index)
    refill(world, run, owner)
    if not cursor.live and not cursor.broken:
        world.wake(run, owner, "collect")


def kill(world: World, run: Run, owner: str, index: int, keep: str = "") -> None:
    """Cancel what is open in an item, and in all items in it."""
    for path in run.under(owner, index):
        act = run.act(path)
        if act is not None and act.state in PENDING:
            for kind in "af":
                world.due.pop(f"{kind}|{run.id}|{path}", None)
            if act.cursor is not None and act.state == "SUSPENDED":
                for inner in act.cursor.live:
                    drop_values(run, of_item(act.cursor.body, inner)["vals"])
    cursor = run.act(owner).cursor
    drop_values(run, of_item(cursor.body, index)["vals"])
    forget(run, [path for path in run.under(owner, index) if path != keep])


def fail_item(world: World, run: Run, place: tuple[str, int], failure: str, last: str) -> None:
    """Fail an item whose region goes on."""
    if is_live(run, *place):
        kill(world, run, *place, keep=last)
        end_item(world, run, place, failure, last)


def fail_region(world: World, run: Run, owner: str, failure: str, last: str = "") -> None:
    """Fail a region without which the run goes on: a worker settles it."""
    act = run.act(owner)
    if act is None or act.state != "SUSPENDED" or act.cursor is None:
        return
    for index in act.cursor.live:
        kill(world, run, owner, index, keep=last)
    kept = run.acts.get(last)
    drop_items(run, act)
    if kept is not None:
        run.acts[last] = kept
    act.failure = failure
    world.wake(run, act, "broken")


def open_region(world: World, run: Run, act: Act, cursor: Cursor) -> None:
    """Begin a region; where it has lost its race, it is failed at once."""
    act.cursor = cursor
    world.sleep(run, act, run.deadline + 1)
    lost = run.lost.pop(act.path, None)
    if lost is not None:
        fail_region(world, run, act.path, lost)
    else:
        refill(world, run, act)
