"""Files in a generated service: read, sent, fetched, handed to own code, gone through; and run on a real store."""

import base64
import hashlib

import pytest

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.one_process import in_one_process
from saltern_runtime.errors import UnknownFileError
from saltern_runtime.files import File
from saltern_runtime.store.files import Shelf
from tests.support.built import importable
from tests.support.octets import send, serving

TEXT = """
pipeline scan
input { docs: list<file>, loose?: any }
connection site = http { base_url: "SITE" }

sent = foreach doc in input.docs {
  up = http.request(site) { method: "PUT", url: `/put/{{ doc.name }}`, file: doc }
  yield doc.size + up.status
}
fetched = http.request(site) { url: "/page", as: "file" }
looked = python.call { function: "rules:look", args: { docs: input.docs, page: fetched.body } }
given = if has(input.loose) {
  odd = http.request(site) { method: "PUT", url: "/odd", file: input.loose }
}
return {
  sent: sent, page: fetched.body, made: looked.made, said: looked.said, first: input.docs.size() > 0 ? input.docs[0] : null,
  kinds: input.docs.map(doc, doc.media_type.startsWith("image/") ? "image" : doc.media_type),
  same: input.docs.filter(doc, doc == input.docs[0]).size(), text: json.encode(fetched.body), odd: odd.?status
}
"""
RULES = """
from typing import TypedDict

from saltern_runtime.errors import UnknownFileError
from saltern_runtime.files import File


class Looked(TypedDict):
    made: File
    said: list[str]


def look(docs: "list[Doc]", page: "Doc") -> Looked:
    said = [doc.read().decode("latin-1")[:3] for doc in (*docs, page)]
    with page.open() as stream:
        assert stream.read(2) + stream.read() == page.read()
    return {"made": File.of("made.txt", b"made of " + page.read(), "text/plain"), "said": said}
"""


@pytest.fixture
def scan(tmp_path, redis_url):
    """Run the pipeline; `scan(files, loose)` gives the run, what was sent and the service."""
    seen = {}

    def answer(handler, body):
        if handler.path == "/page":
            return send(handler, b"<p>\xff", Content_Type="text/html", Content_Disposition='inline; filename="p.html"')
        seen[handler.path] = (body, handler.headers["content-type"])
        return send(handler, b"{}", Content_Type="application/json")

    def run(docs, loose=None, keep=60.0, *, lost=False):
        with serving(answer) as url:
            text = TEXT.replace("SITE", url)
            result = compile_source(text, source_name="scan.saltern", files={"rules.py": RULES})
            assert result.diagnostics == ()
            write_tree(result.artifacts, tmp_path / "tree")
            with (
                importable(tmp_path / "tree", "scan") as load,
                in_one_process(load("graph").GRAPH, redis_url=redis_url) as process,
            ):
                shelf = Shelf(process.service.store)
                for doc in docs:
                    if doc.content is not None:
                        shelf.put("acme", [doc.content], name=doc.name, media_type=doc.media_type, keep=keep)
                given = {"docs": [doc.to_json() for doc in docs]} | ({} if loose is None else {"loose": loose})
                started = process.service.start(given, tenant="acme", trigger="api")
                if lost:
                    client = process.service.store.client
                    client.delete(*client.keys("*:scan:*file:*"))
                done = process.finish(started.run_id, 30)
                made = {}
                if done.output is not None:
                    for name in ("page", "made"):
                        made[name] = b"".join(shelf.chunks("acme", done.output[name]["sha256"]))
                return done, seen, made

    return run


def test_files_go_all_ways(scan):
    """In with the input, through a loop and own code, out as bodies and back as answers; each says what it is."""
    docs = [File.of("a.png", b"\x89PNG", "image/png"), File.of("b c.txt", b"bbb")]
    done, seen, made = scan(docs)
    assert done.state == "SUCCEEDED", done.failure
    assert seen == {"/put/a.png": (b"\x89PNG", "image/png"), "/put/b%20c.txt": (b"bbb", "text/plain")}
    out = done.output
    assert out["sent"] == [204, 203]
    assert out["kinds"] == ["image", "text/plain"]
    assert (out["first"], out["same"], out["odd"]) == (docs[0].to_json(), 1, None)
    assert out["page"] == File.of("p.html", b"<p>\xff", "text/html").to_json()
    assert made == {"page": b"<p>\xff", "made": b"made of <p>\xff"}
    assert out["made"]["sha256"] == hashlib.sha256(made["made"]).hexdigest()
    assert out["said"] == ["\x89PN", "bbb", "<p>"]


@pytest.mark.parametrize("reference", [True, False])
def test_what_is_any_becomes_a_file_where_one_is_wanted(scan, reference):
    """As a reference to one that the tenant has, or with its bytes as base64."""
    doc = File.of("a.txt", b"bytes")
    inline = {"name": "x.txt", "base64": base64.b64encode(b"inline").decode()}
    done, seen, _ = scan([doc], doc.to_json() if reference else inline)
    assert done.state == "SUCCEEDED", done.failure
    assert seen["/odd"] == ((b"bytes" if reference else b"inline"), "text/plain")


@pytest.mark.parametrize(
    ("loose", "code"),
    [
        ("text", "wrong-type"),
        ({"name": "x"}, "wrong-type"),
        ({"name": "x", "base64": "?"}, "wrong-type"),
        ({"name": "../x", "base64": ""}, "wrong-type"),
        (File.of("x", b"never stored").to_json(), "file-gone"),
    ],
)
def test_what_is_no_file_fails_where_one_is_wanted(scan, loose, code):
    """With an error of a class of its own, and no attempt more."""
    done, _, _ = scan([], loose)
    assert done.state == "FAILED"
    assert (done.failure.code, done.failure.node) == (code, "odd")


def test_a_file_that_is_gone_fails_what_reads_it(scan):
    """The bytes are looked for when they are needed; what comes of their lack is no retry."""
    done, seen, _ = scan([File.of("a", b"x")], lost=True)
    assert done.state == "FAILED"
    assert (done.failure.code, seen) == ("file-gone", {})


def test_a_file_that_is_not_there_starts_nothing(scan):
    """A run's input names only what its tenant has."""
    with pytest.raises(UnknownFileError, match="/docs/0"):
        scan([File(name="c", media_type="a/b", size=3, sha256="0" * 64)])
