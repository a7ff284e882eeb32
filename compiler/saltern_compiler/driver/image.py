"""Builds an image with whichever container tool is there, so that the same source gives the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from saltern_runtime.dataclass import dataclass

LABEL: Final = "org.opencontainers.image.version"


class ImageError(Exception):
    """An image was not built; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to build."""

    context: Path
    tag: str
    epoch: int
    """The time of the image and of its files: seconds since 1970."""
    version: str
    base_image: str = ""
    extra: tuple[str, ...] = ()
    """Arguments for the builder as they stand, before the folder."""


@dataclass(frozen=True, slots=True)
class Builder:
    """A container tool: how to see whether it works here, and how it builds."""

    name: str
    works: tuple[str, ...]
    """Arguments of a quick command that fails where the tool cannot build."""
    build: Callable[[Order], tuple[str, ...]]
    identify: Callable[[str], tuple[str, ...]]
    """Arguments of the command that prints the id of the image with a tag."""
    environment: Callable[[Order], Mapping[str, str]] = lambda _: {}


def _docker(order: Order) -> tuple[str, ...]:
    return ("build", "--progress", "plain", *_common(order))


def _buildah(order: Order) -> tuple[str, ...]:
    # The docker format: that of OCI has no HEALTHCHECK.
    return ("build", "--format", "docker", "--layers", "--timestamp", str(order.epoch), *_common(order))


def _podman(order: Order) -> tuple[str, ...]:
    return ("build", "--format", "docker", "--timestamp", str(order.epoch), *_common(order))


def _common(order: Order) -> tuple[str, ...]:
    base = ("--build-arg", f"BASE_IMAGE={order.base_image}") if order.base_image else ()
    epoch = ("--build-arg", f"SOURCE_DATE_EPOCH={order.epoch}")
    label = ("--label", f"{LABEL}={order.version}")
    return (*epoch, *base, *label, "--tag", order.tag, *order.extra, str(order.context))


def _inspect(tag: str) -> tuple[str, ...]:
    return ("image", "inspect", "--format", "{{.Id}}", tag)


BUILDERS: Final = (
    Builder(
        "docker",
        ("version", "--format", "{{.Server.Version}}"),
        _docker,
        _inspect,
        # Only BuildKit gives files the time that SOURCE_DATE_EPOCH names.
        lambda order: {"DOCKER_BUILDKIT": "1", "SOURCE_DATE_EPOCH": str(order.epoch)},
    ),
    Builder(
        "buildah",
        ("version",),
        _buildah,
        lambda tag: ("inspect", "--type", "image", "--format", "{{.FromImageID}}", tag),
    ),
    Builder("podman", ("version", "--format", "{{.Client.Version}}"), _podman, _inspect),
)
"""In the order in which they are tried."""


def choose(name: str = "") -> Builder:
    """Return the builder of that name, or the first that works here; raises ImageError."""
    wanted = [builder for builder in BUILDERS if name in ("", builder.name)]
    if not wanted:
        raise ImageError(f"no builder {name!r}; there are {_names()}")
    states: list[str] = []
    for builder in wanted:
        state = _state(builder)
        if not state:
            return builder
        states.append(f"  {builder.name}: {state}")
    what = f"{name} cannot build images here" if name else f"there is no tool to build images with: {_names()} would do"
    raise ImageError("\n".join([what, *states]))


def build(builder: Builder, order: Order) -> str:
    """Build, showing the tool's own progress on standard error; returns the image's id. Raises ImageError."""
    command = [builder.name, *builder.build(order)]
    environment = {**os.environ, **builder.environment(order)}
    try:
        done = subprocess.run(command, env=environment, stdout=2, check=False)  # noqa: S603 - the tool found on PATH, arguments as a list
    except OSError as error:
        raise ImageError(f"{builder.name}: {error.strerror or error}") from error
    if done.returncode != 0:
        raise ImageError(f"{builder.name} exited with {done.returncode}; its messages stand above")
    return _identify(builder, order.tag)


def _identify(builder: Builder, tag: str) -> str:
    command = [builder.name, *builder.identify(tag)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the tool found on PATH, arguments as a list
    identity = done.stdout.strip()
    if done.returncode != 0 or not identity:
        raise ImageError(f"{builder.name} built the image, but does not find {tag}: {done.stderr.strip()}")
    return identity if ":" in identity else f"sha256:{identity}"


def _state(builder: Builder) -> str:
    """Return why a builder does not work here; empty: it works."""
    if shutil.which(builder.name) is None:
        return "not installed"
    try:
        done = subprocess.run(  # noqa: S603 - the tool found on PATH, arguments as a list
            [builder.name, *builder.works], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not answer ({error})"
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return said[-1] if said else f"exits with {done.returncode}"


def _names() -> str:
    names: Sequence[str] = [builder.name for builder in BUILDERS]
    return f"{', '.join(names[:-1])} or {names[-1]}"
