"""What Python sends to a script, and the letters of what scripts keep, are compared when the store is imported."""

import pytest

from saltern_runtime.store import contract, scripts
from saltern_runtime.store.contract import ContractError, differs
from saltern_runtime.store.link import NewerLayoutError
from saltern_runtime.store.lua import parts_of
from saltern_runtime.store.records import LAYOUT
from saltern_runtime.store.scripts import CALLS
from tests.runtime.store.conftest import dep
from tests.support.checker import broken


def parts(script, **changed):
    """Return the parts of a script, with texts put in place of others: `advance=("old", "new")`."""
    texts = dict(parts_of(script))
    for part, (old, new) in changed.items():
        assert old in texts[part]
        texts[part] = texts[part].replace(old, new)
    return texts


def test_every_script_has_a_call():
    """A script without one could not be sent; one whose text is gone would fail at its first use."""
    folder = contract.__spec__.origin.rpartition("/")[0] + "/scripts"
    names = {path.stem for path in __import__("pathlib").Path(folder).glob("*.lua")}
    assert names - {"prelude", "lines", "groups", "ending", "claims", "items", "runs", "frontier"} == {
        call.script for call in CALLS
    }


def test_all_agrees():
    """The import of the store has seen so already."""
    contract.check()


@pytest.mark.parametrize(
    ("script", "changed", "says"),
    [
        ("extend", {"extend": ("nonce, lease", "nonce")}, "extend.lua takes no lease, Extend gives lease"),
        ("extend", {"extend": ("nonce, lease", "nonce, lease?")}, "extend.lua takes lease?, Extend gives lease"),
        (
            "extend",
            {"extend": ("nonce, lease", "nonce, lease, grace")},
            "extend.lua takes grace, Extend gives no grace",
        ),
        (
            "extend",
            {"extend": ("call.lease", "call.least")},
            "extend.lua reads call.least, which its header does not name",
        ),
        (
            "advance",
            {"claims": ("call.ring", "call.rung")},
            "advance.lua reads call.rung, which its header does not name",
        ),
    ],
)
def test_a_difference_is_named(script, changed, says):
    """A field that one side lacks, that may be left out on one side alone, or that is read in whatever part is reached."""
    call = next(each for each in CALLS if each.script == script)
    assert says in list(differs(call, parts(script, **changed)))


def test_what_a_script_does_not_reach_is_not_its():
    """`extend` rings no bells, so it is sent none, though the shared parts could."""
    assert "bells" not in scripts.Extend.__dataclass_fields__
    assert list(differs(scripts.Extend, parts("extend"))) == []


@pytest.mark.parametrize(
    ("part", "old", "new", "says"),
    [
        (
            "prelude",
            "-- @record n nonce ",
            "-- @record n once ",
            "the record's letter n (nonce) stands on one side alone",
        ),
        (
            "prelude",
            "-- @record n nonce ",
            "-- @record n once \n-- @record n nonce ",
            "the record's letter n stands for two things",
        ),
        ("prelude", "-- @cursor m most", "-- @cursor q most", "the cursor's letter m (most) stands on one side alone"),
        (
            "claims",
            "rec.n, rec.b = ",
            "rec.i, rec.b = ",
            "a script uses the letter i of a record, which prelude.lua does not list",
        ),
        ("claims", "dep.queue", "dep.line", "a script reads dependant.line, which no header names"),
        (
            "claims",
            "reads, timeout, ttl?",
            "reads, timeout",
            "a dependant of the scripts has no ttl, Dependant has ttl?",
        ),
        ("items", "body.vals", "body.values", "a script reads body.values, which no header names"),
        ("prelude", "local LAYOUT = 2", "local LAYOUT = 3", "LAYOUT is 2 in Python, and not so in prelude.lua"),
        ("prelude", "local AT_ONCE = 64", "local AT_ONCE = 32", "AT_ONCE is 64 in Python, and not so in prelude.lua"),
    ],
)
def test_letters_and_nested_objects_are_compared_too(monkeypatch, part, old, new, says):
    """What is kept in Redis has one list of letters, and what travels inside of a call one list of fields."""
    monkeypatch.setattr(contract, "parts_of", lambda script: tuple(parts(script, **{part: (old, new)}).items()))
    with pytest.raises(ContractError) as caught:
        contract.check([scripts.Advance])
    assert says in caught.value.differences


def test_a_call_leaves_out_what_is_none():
    """So that a script tells "none" from "nothing" without a word for it."""
    call = scripts.Extend(run="0-1", path="a", nonce="n", lease=30)
    assert call.given() == {"op": "extend", "run": "0-1", "path": "a", "nonce": "n", "lease": 30}
    assert (
        "claim"
        not in scripts.Suspend(
            run="r", path="p", nonce="n", durations="{}", taken="{}", bells=1, ring=1, lease=1
        ).given()
    )


def test_a_run_says_its_layout(bench):
    """Every run carries the version of all that is kept for it."""
    made = bench.create()
    assert bench.client.hget(bench.store.keys.run(made.run_id), "layout") == str(LAYOUT)


def later(bench, run_id):
    """Make a run one of a later runtime."""
    bench.client.hset(bench.store.keys.run(run_id), "layout", LAYOUT + 1)


def everything(bench):
    """Return all that the server holds, but the timers' own notes."""
    dump = {}
    for key in bench.client.scan_iter(match=bench.key("*").replace("{", "[{]").replace("}", "[}]")):
        if "sweep" not in key:
            dump[key] = bench.client.dump(key) if bench.client.type(key) != "stream" else bench.client.xlen(key)
    return dump


def test_a_run_of_a_later_layout_is_left_alone(bench):
    """Whatever is asked of it is refused with the reason, and nothing of it changes; a listing shows the others."""
    other, made = bench.create(), bench.create(dep("b"))
    later(bench, made.run_id)
    before = everything(bench)
    with pytest.raises(NewerLayoutError, match="a later saltern-runtime wrote this run"):
        bench.store.cancel(made.run_id, "acme", "{}")
    for look in (bench.reader.run, bench.reader.state):
        with pytest.raises(NewerLayoutError):
            look(made.run_id)
    assert [run.id for run in bench.reader.runs("acme", 10, None).runs] == [other.run_id]
    assert everything(bench) == before


def test_timers_leave_a_later_layout_to_its_own(bench):
    """Its entries stay in `due`, a sweep later each time, and the timers go on with all others."""
    other, made = bench.create(deadline=0.001), bench.create(deadline=0.001)
    later(bench, made.run_id)
    __import__("time").sleep(0.01)
    bench.store.take_due(0, "r")
    assert bench.client.hget(bench.store.keys.run(made.run_id), "state") == "QUEUED"
    assert bench.client.zscore(bench.key("due"), f"r|{made.run_id}") > 0
    assert bench.state(other.run_id) == "TIMED_OUT"
    due = bench.store.take_due(0, "r").due
    assert due == 0
    bench.client.hset(bench.store.keys.run(made.run_id), "layout", LAYOUT)
    assert broken(bench.client, bench.store.keys.service) == []


def test_a_run_without_a_layout_is_of_the_first(bench):
    """What was written before runs said so."""
    made = bench.create()
    bench.client.hdel(bench.store.keys.run(made.run_id), "layout")
    assert bench.state(made.run_id) == "QUEUED"
    bench.succeed(bench.claim(), values={"return": "1"})
    assert bench.state(made.run_id) == "SUCCEEDED"
