"""A pipeline of every construct that one word goes through, and where that word is to be found afterwards."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from saltern_compiler.driver import Source, compile_loaded, write_tree
from saltern_runtime.engine.operating import By
from tests.support.built import importable
from tests.support.until import until

WORD = "quetzalcoatl"
PAYER = "huitzilopochtli"
"""Comes with an answer, and stands in no input."""
NOTE = "xolotl"
"""Stands in what people wrote freely, which has no mark."""
GIVEN = {"word": f"{WORD}-x", "words": [f"{WORD}-x", f"{WORD}-y", f"{WORD} " * 4000]}
"""The last one is too large for a run's hash; what ends with an x is refused as no error of ours."""
SOURCE = Path(__file__).with_name("marked") / "marked.saltern"


@contextmanager
def marked_graph():
    """Give the graph of the pipeline."""
    result = compile_loaded(Source.load(str(SOURCE)))
    assert not result.has_errors, result.diagnostics
    folder = Path(tempfile.mkdtemp())
    try:
        write_tree(result.artifacts, folder / "tree")
        with importable(folder / "tree", "marked") as load:
            yield load("graph").GRAPH
    finally:
        shutil.rmtree(folder)


def started(process, key=None):
    """Start a run, with a file, and work until it waits for its answers."""
    service = process.service
    paper = service.shelf.put(
        "acme", [f"{WORD} {WORD}\n".encode()] * 9000, name=f"{WORD}.txt", media_type="text/plain", keep=60.0
    )
    given = GIVEN | {"paper": paper.to_json()}
    return service.start(given, tenant="acme", trigger="api", idempotency_key=key).run_id


def until_it_waits(process, run_id, nodes=frozenset({"asked", "paid"})):
    """Work until nothing but the answers to these nodes is waited for."""

    def waits():
        while process.step():
            pass
        return {each.node for each in process.service.get(run_id, "acme").awaits} == nodes

    assert until(waits), {node.id: str(node.state) for node in process.service.get(run_id, "acme").nodes}


def decided(process, run_id, decision):
    """Give both answers, and work until the run is over."""
    said = {"decision": decision, "comment": f"said by {NOTE}", "by": f"Mr {NOTE}"}
    process.service.answer(run_id, "paid", {"by": f"{PAYER}-x"})
    process.service.answer(run_id, "asked", said)
    return process.finish(run_id, 20)


def operated(process, run_id):
    """Replay a run that failed, and say why; work until it failed again."""
    verdict = process.service.operator.replay(run_id, "acme", By("ops", f"{NOTE} asked for it")).verdict
    return verdict, process.finish(run_id, 20)


def cancelled(process, run_id):
    """Cancel a run for a reason."""
    return process.service.cancel(run_id, "acme", f"{NOTE} went away", "ops")


def found(client, service, folder=None):
    """Return the names of all keys and files of a service that hold one of the words, in it or in the name."""
    holding = []
    for key in client.scan_iter(match=f"saltern:v1:{service}:*", count=1000):
        raw = repr((key, _content(client, key)))
        if any(word in raw for word in (WORD, PAYER, NOTE)):
            holding.append(key if isinstance(key, str) else key.decode())
    if folder is not None:
        holding += [str(path) for path in folder.rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()]
    return sorted(holding)


def _content(client, key):
    kind = client.type(key)
    kind = kind if isinstance(kind, str) else kind.decode()
    match kind:
        case "string":
            return client.get(key)
        case "hash":
            return client.hgetall(key)
        case "list":
            return client.lrange(key, 0, -1)
        case "set":
            return client.smembers(key)
        case "zset":
            return client.zrange(key, 0, -1, withscores=True)
        case "stream":
            return client.xrange(key)
    raise AssertionError(f"a key of the kind {kind}")
