"""`python -m bench.phases [NODES]`: where a compilation's processor time goes, part by part, in milliseconds; best of several."""

from __future__ import annotations

import gc
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench.shapes import SHAPES
from saltern_compiler.driver.compile import EVERY_TARGET
from saltern_compiler.driver.link import places_of
from saltern_compiler.driver.manifest import manifest
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import convert
from saltern_compiler.frontend.notations import DOCUMENT
from saltern_compiler.passes import analyze, make_plan
from saltern_compiler.registry import Registry
from saltern_compiler.target import Contribution

ROUNDS = 5


class Clock:
    """Keeps the seconds of each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add what the block takes."""
        begun = time.process_time()
        yield
        self.seconds[name] += time.process_time() - begun


def parts(text: str, name: str, registry: Registry) -> Mapping[str, float]:
    """Compile as the driver does, with a clock around each part."""
    clock = Clock()
    with clock.part("read"):
        pipeline, _ = read(text, name, registry)
    assert pipeline is not None
    with clock.part("check"):
        analysis = analyze(pipeline, registry)
    with clock.part("places"):
        places = places_of(analysis.pipeline, text, name)
    with clock.part("plan"):
        plan = make_plan(analysis, registry, source_name=name, places=places)
    files: dict[str, bytes] = {}
    owners: dict[str, str] = {}
    targets: list[Any] = [registry.target(target) for target in sorted(EVERY_TARGET)]
    for target in targets:
        with clock.part(f"target {target.name}"):
            new = dict(target.emit(plan, {}))
            if target.assemble is not None:
                new |= target.assemble(plan, Contribution((), (), ""))
        files |= new
        owners |= dict.fromkeys(new, target.name)
    with clock.part("manifest"):
        manifest(plan, files, owners, targets=EVERY_TARGET, options={})
    return clock.seconds


def main() -> None:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    registry = Registry.load()
    for shape, write in SHAPES.items():
        text = write(nodes)
        converted, _ = convert(text, f"{shape}.saltern", DOCUMENT, registry=registry)
        assert converted is not None
        document = converted.text
        parts(write(10), f"{shape}.saltern", registry)
        for name, source in ((f"{shape}.saltern", text), (f"{shape}.json", document)):
            rounds = []
            for _ in range(ROUNDS):
                gc.collect()
                gc.disable()
                rounds.append(parts(source, name, registry))
                gc.enable()
            best = min(rounds, key=lambda seconds: sum(seconds.values()))
            shown = "  ".join(f"{part} {seconds * 1000:.0f}" for part, seconds in best.items())
            print(f"{name:16} {nodes} nodes: {sum(best.values()) * 1000:6.0f} ms  {shown}")


if __name__ == "__main__":
    main()
