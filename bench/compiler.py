"""How the compiler's cost grows with the pipeline, and how long a cold `saltern check` takes beside a bare interpreter.

Run as `python -m bench.compiler`; figures go to bench/results/compiler.json.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.machine import keep, machine
from saltern_compiler.driver import compile_source

ROOT = Path(__file__).parent.parent
SIZES = (10, 100, 1000)
ROUNDS = 5


def chain(nodes: int) -> str:
    """Write a chain of HTTP requests, each of which reads the one before: one stage a node."""
    lines = ["pipeline chain", "input { url: string }", "output { status: int }", "on api", ""]
    for index in range(nodes):
        url = "input.url" if index == 0 else f"`{{{{ input.url }}}}/{{{{ step_{index - 1}.status }}}}`"
        lines.append(f"step_{index} = http.request {{ url: {url} }}")
    lines.append(f"return {{ status: step_{nodes - 1}.status }}")
    return "\n".join(lines) + "\n"


def compile_seconds(nodes: int) -> float:
    """Time one compilation of a chain through all targets; best of several."""
    text = chain(nodes)
    best = float("inf")
    for _ in range(2 if nodes >= 1000 else 5):
        begun = time.perf_counter()
        result = compile_source(text, source_name="chain.saltern")
        best = min(best, time.perf_counter() - begun)
        if not result.artifacts:
            raise SystemExit(f"the chain of {nodes} does not compile: {result.diagnostics[:3]}")
    return best


def cold() -> tuple[float, float]:
    """Time `saltern check` and `python -c pass` as whole processes, in turn; medians in seconds."""
    example = ROOT / "examples/support_triage/support_triage.saltern"
    ours: list[float] = []
    bare: list[float] = []
    commands = (
        (ours, [str(Path(sys.executable).parent / "saltern"), "check", str(example)]),
        (bare, [sys.executable, "-c", "pass"]),
    )
    for _ in range(ROUNDS + 1):
        for times, command in commands:
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - begun)
    return statistics.median(ours[1:]), statistics.median(bare[1:])


def main() -> None:
    """Measure, print, keep."""
    compile_seconds(10)  # builds the grammar, which every size shares
    figures = {size: compile_seconds(size) for size in SIZES}
    print(f"{'nodes':>6} {'seconds':>9} {'ms a node':>10}")
    for size, seconds in figures.items():
        print(f"{size:>6} {seconds:>9.3f} {seconds / size * 1000:>10.2f}")
    growth = (figures[1000] / 1000) / (figures[100] / 100)
    check, bare = cold()
    print(f"cost of a node at 1,000 over that at 100: {growth:.2f} (1.00 is linear)")
    print(f"cold check {check:.3f} s, python -c pass {bare:.3f} s: {check / bare:.1f} times")
    keep(
        "compiler",
        {
            "machine": machine("saltern", "lark", "pydantic"),
            "compile_seconds": {str(size): round(seconds, 4) for size, seconds in figures.items()},
            "cost_of_a_node_1000_over_100": round(growth, 2),
            "cold_check_seconds": round(check, 3),
            "bare_python_seconds": round(bare, 3),
            "cold_check_over_bare_python": round(check / bare, 1),
        },
    )


if __name__ == "__main__":
    main()
