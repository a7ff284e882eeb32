"""`saltern nodes`."""

from __future__ import annotations

import click

from saltern_compiler.cli.common import fail
from saltern_compiler.registry import Registry
from saltern_runtime.spec import NodeType, Param, show


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the node types that are installed, or show the parameters of one."""
    registry = Registry.load()
    if name is None:
        specs = [spec for name in registry.node_names() if (spec := _newest(registry, name)) is not None]
        widths = [max(len(text) for text in column) for column in ([s.key for s in specs], [_uses(s) for s in specs])]
        for spec in specs:
            click.echo(f"{spec.key.ljust(widths[0])}  {_uses(spec).ljust(widths[1])}  {spec.summary}")
        return
    wanted, _, version = name.partition("@")
    spec = registry.node(wanted, int(version)) if version.isdecimal() else _newest(registry, wanted)
    if spec is None:
        fail(f"no node type `{name}`; `saltern nodes` lists what is installed")
    click.echo(f"{spec.key}  {spec.summary}")
    if spec.connector is not None:
        click.echo(f"  uses a connection of {spec.connector}{'' if spec.connection_required else ', if any'}")
    for param in spec.params:
        click.echo(f"  {_param(param)}")
        if param.doc:
            click.echo(f"      {param.doc}")


def _newest(registry: Registry, name: str) -> NodeType | None:
    versions = registry.versions(name)
    return registry.node(name, max(versions)) if versions else None


def _uses(spec: NodeType) -> str:
    return spec.connector or "-"


def _param(param: Param) -> str:
    what = "type" if param.is_type else show(param.type)
    return (
        f"{param.name}{'' if param.required else '?'}: {what}{' (written out, no expression)' if param.static else ''}"
    )
