"""`saltern image`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from saltern_compiler.cli.common import FINDINGS, compile_clean, fail, optimize_option, trigger_option

_TARGETS = ("docker",)


@click.command()
@click.argument("pipeline")
@click.option("-t", "--tag", required=True, metavar="TAG", help="The image's name, such as registry.example/orders:1.")
@click.option(
    "--base-image", default="", metavar="IMAGE", help="A Debian-like image with Python 3.11 or newer, and pip."
)
@click.option(
    "--builder", default="", metavar="NAME", help="docker, buildah or podman; the first that works by default."
)
@click.option(
    "--builder-arg", "extra", multiple=True, metavar="ARG",
    help="An argument for the builder as it stands, such as --builder-arg=--network=host; may be repeated.",
)  # fmt: skip
@trigger_option
@optimize_option
def command(
    pipeline: str,
    tag: str,
    base_image: str,
    builder: str,
    extra: tuple[str, ...],
    *,
    triggers: tuple[str, ...],
    optimize: int,
) -> None:
    """Compile a pipeline and build its container image.

    One image runs API, worker and timers. The same pipeline on the same base image gives the same layers, byte for byte:
    every file has the time that SOURCE_DATE_EPOCH names (1980-01-01 where it is not set).
    """
    from saltern_compiler.driver.image import ImageError, Order, build, choose
    from saltern_compiler.driver.tree import write_tree
    from saltern_compiler.driver.wheel import WheelError, epoch, write_wheel

    try:
        chosen = choose(builder)
        when = epoch()
    except (ImageError, WheelError) as error:
        fail(str(error))
    result = compile_clean(pipeline, targets=_TARGETS, optimize=optimize, triggers=triggers)
    assert result.plan is not None, "a clean result has a plan"
    with tempfile.TemporaryDirectory(prefix="saltern-") as folder:
        context = Path(folder) / "tree"
        try:
            write_tree(result.artifacts, context)
            write_wheel(context / "wheels")
            order = Order(context, tag, when, _short(result.plan.digest), base_image, extra)
            click.echo(f"{pipeline}: building {tag} with {chosen.name}", err=True)
            identity = build(chosen, order)
        except (ImageError, WheelError) as error:
            click.echo(f"saltern: {error}", err=True)
            sys.exit(FINDINGS)
    click.echo(f"{tag} {identity}")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:8]
