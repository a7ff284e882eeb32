"""`saltern migrate` from sources to a run that ends: two versions, each with its worker, one store, the API of the newer one."""

import json
import re
from contextlib import ExitStack

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.settings import Settings
from saltern_runtime.store.keys import short_of
from saltern_runtime.web import build_app, tokens
from saltern_runtime.web.backend import Backend
from tests.support.built import importable
from tests.support.listening import listening

TEXT = """
pipeline moving

input { names: list<string> }
output { greetings: list<string>, note: string }

on api

greetings = foreach name in input.names, at most 1 {
  told = receive { payload: type { text: string } }
  yield `{{ told.text }} {{ name }}`
}
note = template { text: `{{ greetings.size() }} were greeted` }
return { greetings: greetings, note: note }
"""
OLD, NEW = TEXT, TEXT.replace("were greeted", "heard of it")


class Place:
    """The folder of both sources, and what runs of them."""

    def __init__(self, folder, stack, redis_url):
        self.folder, self.stack = folder, stack
        token, entry = tokens.new("acme")
        self.token, self.entry = token, entry
        self.settings = Settings(redis_url=redis_url, api_tokens=str(entry), sweep=0.05)

    def write(self, name, text):
        path = self.folder / f"{name}.saltern"
        path.write_text(text)
        return path

    def worker(self, name, text):
        """Return a worker of a version, and its API's app."""
        result = compile_source(text, source_name=f"{name}.saltern")
        assert not result.has_errors, result.diagnostics
        tree = self.folder / f"{name}-tree"
        write_tree(result.artifacts, tree)
        with importable(tree, "moving") as found:
            opened = InOneProcess(found("graph").GRAPH, self.settings)
            app = build_app(found("api").router, self.settings)
        app.state.saltern_backends = {"moving": Backend(opened.service, self.settings, (self.entry,))}
        self.stack.callback(opened.service.close)
        return opened, self.stack.enter_context(listening(app))

    def waiting(self, worker, path):
        """Return a run of three names that waits at an item, which it came to by answers."""
        run = worker.service.start({"names": ["Ada", "Bo", "Cy"]}, tenant="acme", trigger="api").run_id
        self.tell(worker, run, until=path)
        return run

    def tell(self, worker, run, *, until=None):
        """Answer item after item until a run waits at a place, or is over."""
        for index in range(3):
            path = f"greetings[{index}]/told"
            while worker.service.reader.state(run) != "WAITING":
                worker.step()
            if path == until:
                return
            if [each.path for each in worker.service.get(run, "acme").awaits] == [path]:
                worker.service.answer(run, path, {"text": "hello"})
                while any(each.path == path for each in worker.service.get(run, "acme").awaits):
                    worker.step()


@pytest.fixture
def place(tmp_path, redis_url, redis_client, monkeypatch):
    for key in redis_client.scan_iter("saltern:v1:moving:*"):
        redis_client.delete(key)
    with ExitStack() as stack:
        made = Place(tmp_path, stack, redis_url)
        monkeypatch.setenv("SALTERN_TOKEN", made.token)
        yield made


def test_a_run_goes_on_with_the_newer_version(place, saltern):
    """In the midst of a loop: its items so far stay, the rest is done by the new version's worker, and so is the end. The old one has nothing left."""
    old, _ = place.worker("old", OLD)
    run = place.waiting(old, "greetings[1]/told")
    new, url = place.worker("new", NEW)
    sources = ("--from", place.write("old", OLD), "--to", place.write("new", NEW))
    code, out, err = saltern("migrate", run, *sources, "--reason", "it was misspelt", "--url", url)
    assert (code, out) == (0, f"{run}  WAITING\n")
    assert err == "where they have ended, these keep the values that they had: note, return\n"
    assert saltern("drained", "--url", url)[0] == 0
    place.tell(new, run)
    store = new.service.store
    records = [json.loads(text) for text in store.client.hvals(store.keys.run(run, ":acts"))]
    assert {record["q"] for record in records if "q" in record} == set(new.service.plans.queues)
    assert not old.step()
    view = new.finish(run, 20)
    assert (view.state, view.plan) == ("SUCCEEDED", new.service.plans.plan)
    assert view.output == {"greetings": ["hello Ada", "hello Bo", "hello Cy"], "note": "3 heard of it"}
    audited = saltern("runs", "audit", run, "--url", url)[1]
    assert audited.split()[2] == "migrate"
    assert audited.endswith(f"  to {short_of(view.plan)}: it was misspelt\n")
    code, _, err = saltern("migrate", run, *sources, "--url", url)
    assert code == 1
    assert "it is to be moved from (run-moved)" in err


def moved(saltern, run, before, after, url):
    """Move a run, and return what is said of it."""
    return saltern("migrate", run, "--from", before, "--to", after, "--url", url)[2]


def test_what_is_not_proven_is_not_moved(place, saltern):
    """Sources that are not what the run was begun with, or what the service runs; changes of an open loop, and other stages."""
    old, _ = place.worker("old", OLD)
    run = place.waiting(old, "greetings[1]/told")
    _, url = place.worker("new", NEW)
    first, second = place.write("old", OLD), place.write("new", NEW)
    third = place.write("third", TEXT.replace("were greeted", "went home"))
    body = place.write("body", NEW.replace("}} {{ name", "}}, {{ name"))
    more = place.write(
        "more", NEW.replace("note = template", "beside = http.request { url: input.names[0] }\nnote = template")
    )
    for before, after, said in (
        (third, second, f"{run}: the run is not of the version that it is to be moved from (run-moved)"),
        (
            first,
            third,
            "this API starts runs of another version, and moves runs to that one alone (version-not-current)",
        ),
        (first, body, "runs may not go on with it from everywhere:\n"),
        (first, more, "what they keep lies elsewhere: the stages are others: beside"),
    ):
        code, out, err = saltern("migrate", run, "--from", before, "--to", after, "--url", url)
        assert (code, out) == (1, "")
        assert said in err
        assert ("both with -O" in err) == ("-current" in said or "-moved" in said)
    assert re.search(
        r"OLD is sha256:[0-9a-f]{64} and NEW is sha256:[0-9a-f]{64}, both with -O1; what was built with another -O is",
        moved(saltern, run, third, second, url),
    )
    assert old.service.get(run, "acme").plan == old.service.plans.plan
    broken = place.write("broken", "pipeline moving\nx = nothing\n")
    assert saltern("migrate", run, "--from", first, "--to", broken, "--url", url)[0] == 2
    assert saltern("migrate", "--from", first, "--to", second, "--url", url)[0] == 2
    assert saltern("migrate", run, "--from", place.folder / "none.saltern", "--to", second, "--url", url)[0] == 2
