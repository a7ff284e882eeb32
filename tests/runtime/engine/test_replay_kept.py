"""What a replayed run reads is kept as long as the run: large values lie beside it, with an end of their own."""

import pytest

from saltern_runtime.files import File, here
from saltern_runtime.graph import Context, Opens, Stage, node
from saltern_runtime.spec import Json, Retry
from saltern_runtime.spec.keyring import Keyring
from tests.runtime.engine.test_replay import replayed, started
from tests.support.operated import World

BIG = "x" * 40_000


@pytest.fixture
def world():
    return World()


def test_large_values_are_kept_as_long_as_the_replayed_run(local, world):
    """A run that was replayed twice near the end of its retention still has what had succeeded, and its input."""

    @node("big", type="http.request@1")
    def big(ctx: Context) -> str:
        return world.call(ctx, "big") + BIG

    @node("bad", type="http.request@1")
    def bad(ctx: Context, *, big: str, input: Json) -> int:  # noqa: A002 - the name that nodes read the input by
        world.call(ctx, "bad")
        return len(big) + len(input)

    @node("return", type="return@1")
    def return_(*, bad: int) -> int:
        return bad

    once = Retry(attempts=1)
    process = local.open(
        Stage("big", nodes=(big,), retry=once),
        Stage("bad", nodes=(bad,), retry=once),
        Stage("return", nodes=(return_,)),
        deadline=60.0,
        retention=600.0,
    )
    world.fails = {"bad"}
    run_id, view = started(process, BIG)
    assert view.state == "FAILED"
    payloads = local.client.keys(f"saltern:v1:{local.name}:*payload:*")
    assert len(payloads) == 2
    for key in payloads:
        local.client.pexpire(
            key, 30_000
        )  # as if the run had failed at its deadline, and most of its retention had passed
    world.before = lambda name: world.order.append(min(local.client.pttl(key) for key in payloads))
    view = replayed(local, process, run_id, world)
    assert view.state == "SUCCEEDED"
    left = min(ttl for ttl in world.order if isinstance(ttl, int))
    assert left > 600_000, "the run is kept for its time and its retention"


@pytest.mark.parametrize("keys", ["", f"one:{'QUFB' * 10}QUE="])
def test_files_are_kept_as_long_as_the_replayed_run(local, world, keys):
    """Those of its input and those that a node made, of items of a loop as well, sealed or not."""

    @node("made", type="python.call@1")
    def made(ctx: Context) -> File:
        return here().keep([b"made"], name="made.txt", media_type="text/plain")

    @node("each", type="foreach@1")
    def each(*, input: list[File], made: File) -> list[File]:  # noqa: A002 - the name that nodes read the input by
        return [*input, made]

    @node("each/read", type="http.request@1")
    def read(ctx: Context, *, each_item: File) -> int:
        world.call(ctx, f"read {each_item.name}")
        return each_item.size

    @node("return", type="return@1")
    def return_(*, each: list[int]) -> list[int]:
        return each

    body = Stage("each/read", nodes=(read,), retry=Retry(attempts=1))
    process = local.open(
        Stage("made", nodes=(made,)),
        Stage("each", nodes=(each,), ends=Opens("each_item", (body,), result="each/read", at_most=1)),
        Stage("return", nodes=(return_,)),
        deadline=60.0,
        retention=600.0,
        encryption_keys=Keyring(keys),
    )
    world.fails = {"read second.txt"}
    given = [
        process.service.shelf.put("acme", [name], name=f"{name.decode()}.txt", media_type="text/plain", keep=60.0)
        for name in (b"first", b"second")
    ]
    run_id, view = started(process, [file.to_json() for file in given])
    assert view.state == "FAILED"
    files = local.client.keys(f"saltern:v1:{local.name}:*file:*")
    assert len(files) == 3
    for key in files:
        local.client.pexpire(key, 30_000)
    view = replayed(local, process, run_id, world)
    assert view.output == [5, 6, 4]
    assert min(local.client.pttl(key) for key in files) > 600_000
