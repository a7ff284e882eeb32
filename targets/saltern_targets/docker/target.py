"""The target `docker`: one image for API, workers and timers, which differ by their command alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_compiler.target import Contribution, Target
from saltern_runtime.version import __version__
from saltern_targets.docker.dockerfile import (
    Arg,
    Comment,
    Copy,
    Exec,
    From,
    Health,
    Instruction,
    Pairs,
    Plain,
    Ref,
    Run,
    render,
)
from saltern_targets.names import package_name
from saltern_targets.processes import API_ALIVE, PORT, USER, api, slug, timers, worker
from saltern_targets.writing import header, html_header

BASE_IMAGE: Final = "docker.io/library/python:3.11.13-slim-bookworm"
EPOCH: Final = 315532800
"""1980-01-01, the first day that zip files know: the time of every file where nobody says another."""
_PIP: Final = (
    "python", "-m", "pip", "--python", "/venv/bin/python", "install", "--no-cache-dir", "--no-compile",
    "--disable-pip-version-check", "--constraint", "constraints.txt", "--requirement", "requirements.txt",
)  # fmt: skip
_COMPILE: Final = (
    "/venv/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/venv/lib", "/app",
)  # fmt: skip
_READABLE: Final = ("chmod", "-R", "a+rX,go-w", "/venv", "/app")


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG001 - the interface of targets; there are no options
    """Write the Dockerfile and what a build takes from beside it."""
    comment = f"# {header(plan.source_name)}\n"
    return {
        "Dockerfile": render(_dockerfile(plan)),
        ".dockerignore": (comment + "\n".join(_ignored(plan)) + "\n").encode(),
        "constraints.txt": (comment + _constraints()).encode(),
        "wheels/README.md": _wheels(plan).encode(),
    }


def _dockerfile(plan: Plan) -> Iterator[Instruction]:
    package = package_name(plan)
    yield Comment(header(plan.source_name))
    yield Comment("Build it by `saltern image`, or, once `saltern wheel -o wheels` has been run, by any builder.")
    yield Arg("BASE_IMAGE", BASE_IMAGE)
    yield Comment()
    yield From(Ref("BASE_IMAGE"), "build")
    yield Comment(
        "Every file gets this time, where the builder can do so; hashes in place of times keep bytecode the same."
    )
    yield Arg("SOURCE_DATE_EPOCH", str(EPOCH))
    yield Pairs("ENV", {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"})
    yield Plain("WORKDIR", "/build")
    yield Copy(("requirements.txt", "constraints.txt"), "./")
    yield Copy(("wheels/",), "wheels/")
    yield Comment(
        "A pip.conf for an index of your own may be given as the build secret `pip.conf`; it stays out of the image."
    )
    yield Run(
        (("python", "-m", "venv", "--without-pip", "/venv"), _PIP), ("type=secret,id=pip.conf,target=/etc/pip.conf",)
    )
    yield Copy((f"{package}/",), f"/app/{package}/")
    yield Run((_COMPILE, _READABLE))
    yield Comment()
    yield From(Ref("BASE_IMAGE"))
    yield Arg("BASE_IMAGE")
    yield Pairs("LABEL", _labels(plan))
    yield Pairs(
        "ENV",
        {
            "PATH": Ref("PATH", before="/venv/bin:"),
            "PYTHONPATH": "/app",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    yield Copy(("/venv",), "/venv", stage="build")
    yield Copy(("/app",), "/app", stage="build")
    yield Plain("WORKDIR", "/app")
    yield Plain("USER", f"{USER}:{USER}")
    yield Plain("EXPOSE", str(PORT))
    yield Comment(
        "Asks the API, or looks at the file that SALTERN_HEARTBEAT_FILE names where that is set, as workers have it."
    )
    yield Health(API_ALIVE[:3], interval=10, timeout=5, start_period=20, retries=3)
    yield Comment("Worker:  " + " ".join(worker(plan)))
    yield Comment("Timers:  " + " ".join(timers(plan)))
    yield Exec("CMD", api(plan))


def _labels(plan: Plan) -> Mapping[str, str | Ref]:
    about = {"org.opencontainers.image.description": plan.pipeline.description} if plan.pipeline.description else {}
    return {
        "org.opencontainers.image.title": plan.pipeline.name,
        **about,
        "org.opencontainers.image.base.name": Ref("BASE_IMAGE"),
    }


def _ignored(plan: Plan) -> Iterator[str]:
    yield "*"
    for path in ("requirements.txt", "constraints.txt", "wheels", package_name(plan)):
        yield f"!{path}"
    yield "**/__pycache__"


def _constraints() -> str:
    return resources.files("saltern_targets.docker").joinpath("constraints.txt").read_text("utf-8")


def _wheels(plan: Plan) -> str:
    return f"""\
{html_header(plan.source_name)}

# Wheels

Until saltern-runtime is on an index, `saltern_runtime-{__version__}-py3-none-any.whl` belongs here. `saltern image` puts it into
what it builds from; for every other way to build, run `saltern wheel -o wheels`. Wheels of your own may lie here too.
"""


def contribute(plan: Plan) -> Contribution:
    """Say how to build and run the image."""
    name = slug(plan)
    text = f"""\
## Image

```sh
saltern wheel -o wheels             # until saltern-runtime is on an index
docker build -t {name} .      # or podman build, buildah bud; `saltern image` does all of it
```

One image, three commands: the API is the default; a worker and the timers are named at the end of the `Dockerfile`. It runs as user
{USER}, with a read-only root file system and no capabilities; give it a temporary file system at `/tmp`. `constraints.txt` pins
every package to the version that Saltern was tested with; `BASE_IMAGE` is a build argument.
"""
    return Contribution(extras=("otel",), readme=text)


TARGET: Final = Target(
    name="docker",
    summary="A Dockerfile: one image for API, workers and timers.",
    emit=emit,
    contribute=contribute,
    needs=("celery", "fastapi", "python"),
)
