"""Files that runs are given, hand on and keep in caches: there as long as what names them."""

import pytest

from saltern_runtime import Context, Starts
from saltern_runtime.errors import IdempotencyConflictError, StartError, UnknownFileError
from saltern_runtime.files import File
from saltern_runtime.graph import Connection, Stage, node
from saltern_runtime.models import Maybe, Model
from saltern_runtime.store.files import SPARE
from saltern_runtime.store.views import RunState
from tests.runtime.engine.conftest import make_graph
from tests.support.once import finish_all
from tests.support.until import until

CALLS = []


class Input(Model):
    """Files at every depth."""

    doc: Maybe[File] = None
    more: Maybe[list["Input"]] = None


@node("return", type="return@1")
def text(ctx: Context, *, input: Input) -> str:  # noqa: A002 - as generated code has it
    return b"".join(ctx.files.chunks(input.doc)).decode() if input.doc else "none"


END = Stage("return", nodes=(text,))
GONE = File(name="gone.txt", media_type="text/plain", size=4, sha256="0" * 64)


@pytest.fixture
def process(local):
    return local.open(END, deadline=60.0, retention=600.0)


def put(process, content=b"text", tenant="acme", keep=30.0):
    return process.service.shelf.put(tenant, [content], name="a.txt", media_type="text/plain", keep=keep)


def left(process, file, tenant="acme"):
    """Seconds for which a file is kept."""
    shelf = process.service.shelf
    return process.service.store.client.pttl(shelf._key(tenant, file.sha256)) / 1000


def start(process, given, **options):
    return process.service.start(given, **{"tenant": "acme", "trigger": "api", **options})


def test_bytes_that_come_along_are_stored(process):
    """As base64 or in a model; the run keeps a reference, no bytes."""
    inline = {"doc": {"name": "a.txt", "base64": "dGV4dA=="}}
    file = File.of("a.txt", b"text")
    for given in (inline, Input(doc=file), Input(**inline)):
        run = process.finish(start(process, given).run_id, 20)
        assert (run.state, run.output, run.input) == (RunState.SUCCEEDED, "text", {"doc": file.to_json()})
    assert left(process, file) > 600


def test_a_reference_is_held_for_the_run(process):
    """What was uploaded for half a minute is kept as long as the run is, wherever in the input it stands."""
    file = put(process)
    start(process, {"more": [{"doc": file.to_json()}]})
    assert 660 < left(process, file) <= 660 + SPARE


@pytest.mark.parametrize("as_model", [True, False])
def test_a_file_that_is_not_there_starts_nothing(process, as_model):
    """Unknown, of another tenant, or of another size: the error names the place of each, and no run is made."""
    mine, theirs = put(process), put(process, b"theirs", tenant="other")
    wrong = mine.model_copy(update={"size": 1})
    good = [Input(doc=mine), Input(doc=File.of("b.txt", b"inline"))]
    given = Input(doc=GONE, more=[*good, Input(doc=theirs), Input(more=[Input(doc=wrong)])])
    with pytest.raises(UnknownFileError) as refused:
        start(process, given if as_model else given.to_json())
    inline = () if as_model else ("/more/1/doc",)  # as JSON it is a reference like any other
    assert sorted(refused.value.places) == ["/doc", *inline, "/more/2/doc", "/more/3/more/0/doc"]
    assert process.service.list("acme").runs == ()
    assert process.service.shelf.find("acme", File.of("b.txt", b"inline").sha256) is None


def test_what_is_no_input_starts_nothing(process):
    """Where files may stand, the input is read before anything is made."""
    with pytest.raises(StartError, match="1 errors"):
        start(process, {"doc": {"name": "a", "base64": "?"}})


def test_a_repeat_finds_its_run_after_the_upload_is_over(process):
    """The run holds the file, so the same request again answers with it; so does one with base64, under the same key."""
    file, other = put(process, keep=0.4), put(process, b"other", keep=0.4)
    first = start(process, {"doc": file.to_json()}, idempotency_key="k")
    assert until(lambda: process.service.shelf.find("acme", other.sha256) is None)
    again = start(process, {"doc": file.to_json()}, idempotency_key="k")
    inline = start(process, {"doc": {"name": "a.txt", "base64": "dGV4dA=="}}, idempotency_key="k")
    assert [again.run_id, inline.run_id] == [first.run_id] * 2
    assert not again.fresh
    with pytest.raises(IdempotencyConflictError):
        start(process, Input(doc=File.of("b.txt", b"text")), idempotency_key="k")
    assert process.finish(first.run_id, 20).output == "text"


def test_a_started_run_holds_what_it_is_given(local):
    """For its own deadline and retention, which may be longer than its maker's."""
    child = make_graph("child", END, deadline=500.0, retention=5000.0)

    @node("s", type="start.child@1")
    def s(*, input: Input) -> Input:  # noqa: A002 - as generated code has it
        return Input(doc=input.doc)

    @node("return", type="return@1")
    def gives(*, s: str) -> str:
        return s

    stages = Stage("s", nodes=(s,), ends=Starts(child)), Stage("return", nodes=(gives,))
    process = local.open(*stages, deadline=60.0, retention=600.0)
    file = put(process)
    start(process, {"doc": file.to_json()})
    runs = finish_all(process, "acme")
    assert {run.output for run in runs if run.parent} == {"text"}
    assert 5500 < left(process, file) <= 5500 + SPARE


def test_a_run_is_not_started_with_a_file_that_is_gone(local):
    """The node that starts it fails, and says which one."""
    child = make_graph("child", END)

    @node("s", type="start.child@1")
    def s(*, input: str) -> Input:  # noqa: A002 - as generated code has it
        return Input(doc=GONE)

    @node("return", type="return@1")
    def gives(*, s: str) -> str:
        return s

    run = local.run(Stage("s", nodes=(s,), ends=Starts(child)), Stage("return", nodes=(gives,)), given="a")
    assert (run.state, run.failure.code) == (RunState.FAILED, "file-gone")
    assert "gone.txt" in run.failure.message
    assert len(local.opened[-1].service.list("acme").runs) == 1


@pytest.fixture
def fetches():
    def fetch(ctx: Context, *, name: str) -> File:
        CALLS.append(name)
        return ctx.files.keep([name.encode()], name="made.txt", media_type="text/plain")

    @node("fetched", type="http.request@1", connection="web", cache=900.0)
    def fetched(ctx: Context, *, input: str) -> File:  # noqa: A002 - as generated code has it
        return ctx.cached(fetch)(ctx, name=input)

    @node("return", type="return@1")
    def gives(*, fetched: File) -> File:
        return fetched

    CALLS.clear()
    return Stage("fetch", nodes=(fetched,)), Stage("return", nodes=(gives,))


def test_a_cached_file_is_kept_with_its_value(local, fetches):
    """As long as the cache has it, and on a hit as long as the run that takes it."""
    web = Connection("web", connector="http", settings={})
    short = local.run(*fetches, given="a", connections=(web,), deadline=5.0, retention=1.0)
    file, process = File(**short.output), local.opened[-1]
    assert 900 < left(process, file) <= 900 + SPARE
    long = local.run(*fetches, given="a", connections=(web,), deadline=60.0, retention=5000.0)
    assert (long.output, CALLS) == (short.output, ["a"])
    assert left(process, file) > 5000


def test_a_cached_value_whose_file_is_gone_is_asked_for_again(local, fetches):
    """It is a miss: the node runs, and what it makes takes the place of the old value."""
    web = Connection("web", connector="http", settings={})
    first = local.run(*fetches, given="a", connections=(web,))
    process = local.opened[-1]
    process.service.store.client.delete(process.service.shelf._key("acme", first.output["sha256"]))
    again = local.run(*fetches, given="a", connections=(web,))
    assert (again.output, CALLS) == (first.output, ["a", "a"])
    assert process.service.shelf.find("acme", first.output["sha256"]) is not None
