"""`python ours.py SHAPE NODES ROUNDS SECONDS`: Saltern on a shape of `bench.shapes`, through every target."""

from __future__ import annotations

import sys
from pathlib import Path

import measured

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.shapes import SHAPES
from saltern_compiler.driver import compile_source
from saltern_compiler.driver.compile import EVERY_TARGET


def compile_shape(shape: str, nodes: int) -> None:
    """Write the text and compile it."""
    result = compile_source(SHAPES[shape](nodes), source_name=f"{shape}.saltern", targets=EVERY_TARGET)
    if not result.artifacts:
        raise SystemExit(f"{shape} of {nodes} does not compile: {result.diagnostics[:3]}")


if __name__ == "__main__":
    measured.main(compile_shape)
