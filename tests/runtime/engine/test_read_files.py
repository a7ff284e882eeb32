"""Nodes that read files, in runs: bytes from the payload store, values that the store keeps, errors that end a run or are tried again."""

from saltern_runtime.files import File
from saltern_runtime.graph import Context, Stage, node
from saltern_runtime.models import Int, Model
from saltern_runtime.nodes import file
from saltern_runtime.nodes.file import apart
from saltern_runtime.spec import Retry
from saltern_runtime.store.files import Shelf
from tests.support.documents import pdf, xlsx


class Row(Model):
    """A row of a table."""

    id: str
    n: Int


class Rows(Model):
    """The rows of a table."""

    rows: list[Row]


@node("text", type="file.text@1")
def text(ctx: Context, *, input: dict[str, File]) -> file.TextResult:  # noqa: A002 - as generated code calls it
    return file.text(ctx, file=File.model_validate(input["doc"]))


@node("rows", type="file.rows@1")
def rows(ctx: Context, *, input: dict[str, File]) -> Rows:  # noqa: A002 - as generated code calls it
    return file.rows(ctx, file=File.model_validate(input["table"]), result=Rows)


@node("return", type="return@1")
def return_(*, text: file.TextResult, rows: Rows) -> dict[str, object]:
    return {"text": text.text, "pages": text.pages, "n": [row.n for row in rows.rows]}


def run(local, document, table):
    """Store two files, and run a graph that reads them."""
    stages = (
        Stage("text", nodes=(text,), queue="files", retry=Retry(attempts=2, base=0.0)),
        Stage("rows", nodes=(rows,), queue="files"),
        Stage("return", nodes=(return_,)),
    )
    process = local.open(*stages)
    shelf = Shelf(process.engine.store)
    given = {
        name: shelf.put("acme", iter([content]), name=name, media_type="application/octet-stream", keep=60.0).to_json()
        for name, content in (("doc", document), ("table", table))
    }
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    return process.finish(run_id, 60)


TABLE = xlsx([["id", "n"], ["a", 1], ["b", 2]])


def test_a_run_reads_its_files(local):
    """What was stored for its tenant, from the store's parts to the run's output."""
    view = run(local, pdf("one", "two"), TABLE)
    assert view.output == {"text": "one\n\ntwo", "pages": 2, "n": [1, 2]}


def test_a_file_that_is_refused_ends_the_run_at_once(local):
    """It would be refused again."""
    view = run(local, b"\x7fELF", TABLE)
    assert (view.state, view.failure.code) == ("FAILED", "unsupported-type")
    assert [each.attempt for each in view.nodes if each.failure] == [1]


def test_a_reader_that_crashes_leaves_the_worker_at_work(local, tmp_path, monkeypatch):
    """The run fails with what became of its file; the next one is read by the same process."""
    with monkeypatch.context() as broken:
        (tmp_path / "impostor.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
        broken.setenv("PYTHONPATH", str(tmp_path))
        broken.setattr(apart, "_READER", "impostor")
        assert run(local, pdf("one"), TABLE).state == "FAILED"
    assert run(local, pdf("one"), TABLE).output["text"] == "one"
