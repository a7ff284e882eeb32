"""`python hera_peer.py SHAPE NODES ROUNDS SECONDS`: Hera on a shape of `bench.shapes`; runs in the peers' environment."""

import measured
from hera.workflows import DAG, Parameter, Task, Workflow, script

BLOCK, LAYER = 9, 10


@script(image="python:3.12")
def request(url: str):
    """Stand for an HTTP request."""
    print(len(url))


@script(image="python:3.12")
def gather(statuses: str):
    """Stand for a node that reads many."""
    print(statuses)


def chain(nodes: int) -> None:
    step = request(name="step-0", arguments={"url": "{{workflow.parameters.url}}"})
    for index in range(1, nodes - 1):
        step = step >> request(name=f"step-{index}", arguments={"url": step.result})


def wide(nodes: int) -> None:
    steps = [request(name=f"step-{index}", arguments={"url": f"{index}"}) for index in range(nodes - 2)]
    steps >> gather(name="all", arguments={"statuses": "[" + ", ".join(step.result for step in steps) + "]"})


def layered(nodes: int) -> None:
    steps: list[Task] = []
    for index in range(nodes - 1):
        layer, place = divmod(index, LAYER)
        if not layer:
            steps.append(request(name=f"step-{index}", arguments={"url": f"{place}"}))
            continue
        first, second = steps[(layer - 1) * LAYER + place], steps[(layer - 1) * LAYER + (place + 3) % LAYER]
        step = request(name=f"step-{index}", arguments={"url": f"{first.result}/{second.result}"})
        [first, second] >> step
        steps.append(step)


def nested(nodes: int) -> None:
    for block in range((nodes - 1) // BLOCK):
        Task(
            name=f"each-{block}",
            template=f"block-{block}",
            arguments={"url": "{{item}}"},
            with_param="{{workflow.parameters.urls}}",
        )


def bodies(nodes: int) -> None:
    """Write the templates that the loops of the nested shape run."""
    for block in range((nodes - 1) // BLOCK):
        with DAG(name=f"block-{block}", inputs=[Parameter(name="url")]):
            url = "{{inputs.parameters.url}}"
            first = request(name="first", arguments={"url": url})
            step = request(name="then-0", arguments={"url": url}, when=f"{first.result} == 200")
            first >> step
            for index in range(1, 4):
                step = step >> request(name=f"then-{index}", arguments={"url": step.result})
            first >> request(name="else", arguments={"url": url}, when=f"{first.result} != 200")


SHAPES = {"chain": chain, "wide": wide, "layered": layered, "nested": nested}


def compile_shape(shape: str, nodes: int) -> None:
    """Build and write the workflow's YAML."""
    given = {"url": "https://example.com", "urls": "[]"}
    with Workflow(generate_name="bench-", entrypoint="main", arguments=given) as workflow:
        if shape == "nested":
            bodies(nodes)
        with DAG(name="main"):
            SHAPES[shape](nodes)
    workflow.to_yaml()


if __name__ == "__main__":
    measured.main(compile_shape)
