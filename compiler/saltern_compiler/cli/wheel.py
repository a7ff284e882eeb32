"""`saltern wheel`."""

from __future__ import annotations

from pathlib import Path

import click

from saltern_compiler.cli.common import fail


@click.command()
@click.option("-o", "--output", default="wheels", show_default=True, metavar="DIR", help="The folder to put it into.")
def command(output: str) -> None:
    """Write the wheel of saltern-runtime, for images and installations without an index that has it."""
    from saltern_compiler.driver.wheel import WheelError, write_wheel

    try:
        click.echo(write_wheel(Path(output)))
    except WheelError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or output}: {error.strerror or error}")
