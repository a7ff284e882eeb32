"""`python -m bench.compiler`: the compiler beside KFP's and Hera, in one run. Writes bench/results/compiler.{json,md}.

Four shapes of pipelines of 10 to 10,000 nodes, ours through every target; the contenders take turns, each in a process of its own
for each shape and size. The peers have an environment of their own (`make bench` makes .bench-venv); without it they are left
out. Seconds are those of the processor: what else a machine does at the same time counts less.
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bench.machine import RESULTS, keep, machine
from bench.shapes import SHAPES
from saltern_compiler.driver.session import Session

ROOT: Final = Path(__file__).parent.parent
SCRIPTS: Final = Path(__file__).parent / "compiler_peers"
PEERS_PYTHON: Final = ROOT / ".bench-venv/bin/python"
SIZES: Final = (10, 100, 1_000, 10_000)
ROUNDS: Final = 20
SECONDS: Final = 3
"""After so many no further round begins."""
LARGEST: Final = {"ours": 10_000, "kfp": 1_000, "hera": 10_000}
"""KFP's compiler takes many minutes and gigabytes for 10,000."""
STARTS: Final = 15
"""Cold starts of each command."""
SESSIONS: Final = (200, 1_000)
"""Nodes of the chains that are edited."""
EDITS: Final = 20
NAMES: Final = {"kfp": "KFP", "hera": "Hera"}


def main() -> None:
    """Measure, print, keep."""
    peers = [peer for peer in NAMES if _is_there(peer)]
    for peer in NAMES.keys() - set(peers):
        print(f"{NAMES[peer]} is not installed in .bench-venv: left out")
    rows = [_row(shape, size, peers) for shape in SHAPES for size in SIZES]
    figures: dict[str, Any] = {
        "machine": machine("saltern", "lark", "pydantic") | _versions(peers),
        "compile": rows,
        "exponent_100_to_10000": {shape: round(_exponent(rows, shape), 3) for shape in SHAPES},
        "cold_check": _cold(),
        "session_edit_seconds": {str(size): _session(size) for size in SESSIONS},
    }
    keep("compiler", figures)
    text = _page(figures, peers)
    (RESULTS / "compiler.md").write_text(text)
    print(text)


def _is_there(peer: str) -> bool:
    if not PEERS_PYTHON.exists():
        return False
    return subprocess.run([PEERS_PYTHON, "-c", f"import {peer}"], capture_output=True, check=False).returncode == 0


def _versions(peers: Iterable[str]) -> dict[str, str]:
    """Return the versions of the peers, and of the Python that they run on."""
    code = "import platform, sys; from importlib.metadata import version; print(platform.python_version(), *map(version, sys.argv[1:]))"
    if not (named := list(peers)):
        return {}
    done = subprocess.run([PEERS_PYTHON, "-c", code, *named], capture_output=True, text=True, check=True)
    return dict(zip(["python of the peers", *named], done.stdout.split(), strict=True))


def _row(shape: str, size: int, peers: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"shape": shape, "nodes": size, "ours": measure("ours", shape, size)}
    for peer in peers:
        if size <= LARGEST[peer]:
            row[peer] = measure(peer, shape, size)
            row[f"times_quicker_than_{peer}"] = round(row[peer]["cpu"] / row["ours"]["cpu"], 2)
    print(json.dumps(row))
    return row


def measure(contender: str, shape: str, size: int, rounds: int = ROUNDS, seconds: int = SECONDS) -> dict[str, float]:
    """Have a process compile one shape at one size; see `compiler_peers/measured.py` for what it returns."""
    python, script = (sys.executable, "ours.py") if contender == "ours" else (PEERS_PYTHON, f"{contender}_peer.py")
    command = [str(python), "-W", "ignore", str(SCRIPTS / script), shape, str(size), str(rounds), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return {name: round(value, 5) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def _exponent(rows: Iterable[Mapping[str, Any]], shape: str) -> float:
    """Fit the exponent k of `seconds = c * nodes ** k` to all sizes from 100 on, by least squares of the logarithms."""
    points = [
        (math.log(row["nodes"]), math.log(row["ours"]["cpu"]))
        for row in rows
        if row["shape"] == shape and row["nodes"] >= 100
    ]
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def _cold() -> dict[str, float]:
    """Measure `saltern check` and `python -c pass` as whole processes, in turn; medians of processor seconds."""
    example = ROOT / "examples/support_triage/support_triage.saltern"
    commands = {
        "check": [str(Path(sys.executable).parent / "saltern"), "check", str(example)],
        "python": [sys.executable, "-c", "pass"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(STARTS):
        for name, command in commands.items():
            taken[name].append(_seconds(command))
    middle = {name: statistics.median(times[1:]) for name, times in taken.items()}
    return {
        "check_seconds": round(middle["check"], 4),
        "python_seconds": round(middle["python"], 4),
        "check_over_python": round(middle["check"] / middle["python"], 1),
    }


def _session(size: int) -> dict[str, float]:
    """Type a letter into the middle of a chain, again and again: medians of the processor seconds until its findings are there."""
    session = Session(SHAPES["chain"](size), source_name="chain.saltern")
    begun = time.process_time()
    assert not session.diagnostics
    taken = [time.process_time() - begun]
    at = session.text.index("}/{", len(session.text) // 2) + 2
    for _ in range(EDITS):
        session.edit((at, at), "x")
        begun = time.process_time()
        assert not session.diagnostics
        taken.append(time.process_time() - begun)
    return {"whole": round(taken[0], 5), "edit": round(statistics.median(taken[1:]), 5)}


def _seconds(command: list[str]) -> float:
    """Return the processor seconds of a whole process, whose modules are compiled already."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _page(figures: Mapping[str, Any], peers: list[str]) -> str:
    names = [NAMES[peer] for peer in peers]
    lines = [
        "# The compiler beside its peers",
        "",
        "By `python -m bench.compiler`: processor seconds of one compilation in a warm process, the best of several; ours through all",
        "six targets, from text to bytes. Each contender has a process for each shape and size, in turn. `peak` is the most memory that",
        "our process ever held, with Python and the compiler in it.",
        "",
        ", ".join(f"{name} {version}" for name, version in figures["machine"].items()),
        "",
        "| shape | nodes | Saltern | " + "".join(f"{name} | ratio | " for name in names) + "peak |",
        "| --- | ---: | ---: | " + "---: | ---: | " * len(names) + "---: |",
    ]
    for row in figures["compile"]:
        cells = [row["shape"], f"{row['nodes']:,}", _shown(row["ours"]["cpu"])]
        for peer in peers:
            there = peer in row
            cells += [_shown(row[peer]["cpu"]) if there else "-"]
            cells += [f"{row[f'times_quicker_than_{peer}']:.1f} x" if there else "-"]
        cells.append(f"{row['ours']['peak_mb']:.0f} MB")
        lines.append(f"| {' | '.join(cells)} |")
    exponents = ", ".join(f"{shape} {value:.2f}" for shape, value in figures["exponent_100_to_10000"].items())
    cold = figures["cold_check"]
    first = figures["compile"][0]
    fresh = ", ".join(f"{NAMES.get(who, 'Saltern')} {_shown(first[who]['fresh'])}" for who in ("ours", *peers))
    lines += [
        "",
        f"A process that compiles ten nodes of a chain once, with its start and its imports: {fresh}.",
        "",
        f"Exponents fitted from 100 to 10,000 nodes: {exponents}.",
        "",
        (
            f"`saltern check` of examples/support_triage from cold takes {_shown(cold['check_seconds'])}, `python -c pass` "
            f"{_shown(cold['python_seconds'])}: {cold['check_over_python']:.1f} times (medians of {STARTS - 1})."
        ),
    ]
    lines += [
        "",
        "A letter typed into the middle of a chain, until the findings are there (`saltern_compiler.driver.session`), medians:",
        "",
    ]
    for size, seconds in figures["session_edit_seconds"].items():
        lines.append(
            f"- {int(size):,} nodes: {_shown(seconds['edit'])}; the first check takes {_shown(seconds['whole'])}"
        )
    return "\n".join(lines) + "\n"


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:,.1f} ms"


if __name__ == "__main__":
    main()
