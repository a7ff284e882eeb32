"""One run in this process, without a broker: what `saltern run` does."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from saltern_runtime.dev import files, store, view
from saltern_runtime.dev.children import Children
from saltern_runtime.dev.desk import Desk, read
from saltern_runtime.dev.given import Given, InputError, Wanted, load
from saltern_runtime.dev.terminal import json_text, log_lines
from saltern_runtime.dev.tree import Tree
from saltern_runtime.engine.one_process import InOneProcess, in_one_process
from saltern_runtime.errors import StartError
from saltern_runtime.models import Model
from saltern_runtime.runtext import lines, plain
from saltern_runtime.settings import Settings
from saltern_runtime.store.files import FileTooLargeError
from saltern_runtime.store.views import TERMINAL, RunState, RunView
from saltern_runtime.web.models import run_json

LOOK: Final = 0.2
"""Seconds between two looks at what waits for an answer."""
TENANT: Final = "local"
NOWHERE: Final = "http://saltern.invalid"
"""What addresses for answers begin with, where no API takes them (RFC 2606)."""


def run(tree: Tree, wanted: Wanted, given: Given) -> int:
    """Run once; the output goes to stdout. Raises InputError, FileError and TreeError.

    What the run starts is run to its end as well. `answers` are `NODE=ANSWER` pairs for nodes that wait for one; of others a person is asked, where one sits there.
    """
    graph = load(tree, "graph").GRAPH
    known = read(wanted.answers)
    log_lines(verbose=wanted.verbose)
    saved: list[Path] = []
    unsaved: files.FileError | None = None
    if wanted.save is not None:
        files.make_folder(wanted.save)
    with (
        tempfile.TemporaryDirectory(prefix="saltern-run-") as folder,
        Children(Path(folder), os.environ) as children,
        redirect_stdout(sys.stderr),  # what a pipeline's own functions print is not the output
    ):
        settings = Settings.from_env({"SALTERN_PUBLIC_URL": NOWHERE, "SALTERN_PRIVATE_NETWORKS": "any", **os.environ})
        with in_one_process(graph, redis_url=store.start(children, Path(folder)), settings=settings) as opened:
            files.store(opened.service.shelf, TENANT, given.attached, settings.upload_keep)
            started = _started(opened, given.input)
            desk = Desk(opened.service, known, asks=wanted.source != "-" and sys.stdin.isatty())
            ended = _finish(opened, desk, started)
            others = list(_others(opened, desk))
            if wanted.save is not None and ended.state is RunState.SUCCEEDED:
                try:
                    output = TypeAdapter(given.models.Output).validate_python(ended.output)
                    saved.extend(files.save(opened.service.shelf, TENANT, output, wanted.save))
                except files.FileError as error:
                    unsaved = error
                except ValidationError:
                    unsaved = files.FileError("the output is not of its type: no file of it was saved")
    shown: list[Mapping[str, Any]] = [run_json(run, graph.hidden(run.pipeline)) for run in (ended, *others)]
    if wanted.json_events:
        told = view.JsonView(sys.stderr)
        told.update(shown)
        for path in saved:
            told.tell({"event": "saved", "path": str(path)}, "")
    else:
        is_screen = sys.stderr.isatty()
        width = shutil.get_terminal_size().columns if is_screen else None
        for run in shown:
            sys.stderr.write("\n".join(lines(run, width, color=is_screen)) + "\n")
        sys.stderr.write("".join(f"saved {plain(str(path))}\n" for path in saved))
    if ended.state is not RunState.SUCCEEDED:
        return 1
    sys.stdout.write(json_text(ended.output, sys.stdout, indent=2) + "\n")
    if unsaved is not None:
        raise unsaved
    return 0


def _started(opened: InOneProcess, given: Model) -> str:
    try:
        return opened.service.start(given, tenant=TENANT, trigger="run").run_id
    except (StartError, FileTooLargeError) as error:
        raise InputError(str(error)) from error


def _finish(opened: InOneProcess, desk: Desk, run_id: str) -> RunView:
    while (run := opened.finish(run_id, LOOK)).state not in TERMINAL:
        desk.look(run)
    return run


def _others(opened: InOneProcess, desk: Desk) -> Iterator[RunView]:
    """Run what was started to its end, and what that starts in turn, the oldest first."""
    done: set[str] = set()
    while True:
        page = opened.service.list(TENANT, limit=200)
        found = [run.id for run in page.runs]
        while page.cursor is not None:
            page = opened.service.list(TENANT, limit=200, cursor=page.cursor)
            found += [run.id for run in page.runs]
        waiting = [run for run in reversed(found) if run not in done]
        if not waiting:
            return
        for run_id in waiting:
            done.add(run_id)
            run = _finish(opened, desk, run_id)
            if run.parent is not None:
                yield run
