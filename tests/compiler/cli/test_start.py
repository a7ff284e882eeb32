"""`saltern runs start` against a real service: its API on the loopback, its engine and its store."""

import io
import json
import re
import sys


def test_runs_are_started(there, saltern, monkeypatch, tmp_path):
    """From a file, from standard input, or from what is typed; the same key leads to the run that it made; what the service does not take it says."""
    file = tmp_path / "order.json"
    file.write_text('{"id": "good"}')
    for given in (file, '{"id": "good"}', "-"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": "good"}')))
        code, out, err = saltern("runs", "start", "--input", given, "--key", "k")
        assert (code, there.worker.service.get(out.strip(), "acme").trigger) == (0, "api")
    assert err == "saltern: the key is known: this is the run that it made\n"
    assert saltern("runs", "list")[1].split()[0] == out.strip()
    with there.working():
        code, out, err = saltern("runs", "start", "--input", file, "--wait")
        assert (code, json.loads(out)) == (0, {"charged": "GOOD"})
        assert err.startswith("saltern: run 0-")
        code, out, err = saltern("runs", "start", "--input", '{"id": "bad"}', "--wait")
        assert (code, out) == (1, "")
        assert re.search(
            r"^saltern: \S+: FAILED: charge: no such \[31m card \(external-permanent, refused\)$", err, re.MULTILINE
        )
    code, out, err = saltern("runs", "start", "--input", '{"id": 7}')
    assert (code, out) == (1, "")
    assert "#/id: Input should be a valid string" in err
    for wrong in ("{", tmp_path / "none.json"):
        assert saltern("runs", "start", "--input", wrong)[0] == 2
    assert saltern("runs", "start", "--input", file, "--key", "\n")[0] == 2
    assert saltern("runs", "start")[0] == 2
