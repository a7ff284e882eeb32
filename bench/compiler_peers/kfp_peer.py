"""`python kfp_peer.py SHAPE NODES ROUNDS SECONDS`: KFP's compiler on a shape of `bench.shapes`; runs in the peers' environment."""

import tempfile
from collections.abc import Callable
from typing import Any

import measured
from kfp import compiler, dsl

BLOCK, LAYER = 9, 10


@dsl.component
def request(url: str) -> int:
    """Stand for an HTTP request."""
    return len(url)


@dsl.component
def gather(statuses: list) -> list:
    """Stand for a node that reads many."""
    return statuses


def chain(nodes: int) -> Callable[..., Any]:
    def build(url: str) -> None:
        step = request(url=url)
        for _ in range(nodes - 2):
            step = request(url=f"{url}/{step.output}")

    return build


def wide(nodes: int) -> Callable[..., Any]:
    def build(url: str) -> None:
        gather(statuses=[request(url=f"{url}/{index}").output for index in range(nodes - 2)])

    return build


def layered(nodes: int) -> Callable[..., Any]:
    def build(url: str) -> None:
        steps: list[Any] = []
        for index in range(nodes - 1):
            layer, place = divmod(index, LAYER)
            if not layer:
                steps.append(request(url=f"{url}/{place}"))
                continue
            first, second = (layer - 1) * LAYER + place, (layer - 1) * LAYER + (place + 3) % LAYER
            steps.append(request(url=f"{url}/{steps[first].output}/{steps[second].output}"))

    return build


def nested(nodes: int) -> Callable[..., Any]:
    def build(urls: list) -> None:
        for _ in range((nodes - 1) // BLOCK):
            with dsl.ParallelFor(urls) as url:
                first = request(url=url)
                with dsl.If(first.output == 200):
                    step = request(url=f"{url}/0")
                    for _ in range(3):
                        step = request(url=f"{url}/{step.output}")
                with dsl.If(first.output != 200):
                    request(url=f"{url}/else")

    return build


SHAPES = {"chain": chain, "wide": wide, "layered": layered, "nested": nested}


def compile_shape(shape: str, nodes: int) -> None:
    """Build and compile, as a script of the SDK's does each time."""
    pipeline = dsl.pipeline(name=shape)(SHAPES[shape](nodes))
    with tempfile.TemporaryDirectory() as folder:
        compiler.Compiler().compile(pipeline, f"{folder}/pipeline.yaml")


if __name__ == "__main__":
    measured.main(compile_shape)
