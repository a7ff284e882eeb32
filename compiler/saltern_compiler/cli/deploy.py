"""`saltern deploy`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from saltern_compiler.cli.common import FINDINGS, compile_clean, fail, optimize_option, plural, read_options
from saltern_compiler.cli.service import connect, which_service

if TYPE_CHECKING:
    from saltern_compiler.driver.cluster import Cluster, Object
    from saltern_compiler.driver.pruning import Old
    from saltern_compiler.driver.rollout import Rollout
    from saltern_runtime.client import Client

T = TypeVar("T")
_PAUSE = 1.0


@click.command()
@click.argument("source", metavar="PIPELINE|DIR")
@click.option(
    "--context", required=True, metavar="NAME", help="The kubeconfig's context: which cluster, and who you are."
)
@click.option("--namespace", default="", metavar="NAME", help="Another namespace than the one that was built for.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="For a PIPELINE: image=NAME:TAG.")
@optimize_option
@click.option("--wait/--no-wait", default=True, help="Wait until every Deployment is available; the default.")
@click.option("--timeout", default=300.0, metavar="SECONDS", help="Wait no longer than this; 300 by default.")
@click.option("--force", is_flag=True, help="Take over fields that somebody else set.")
@click.option("--delete", is_flag=True, help="Remove the service instead, older versions and its own namespace too.")
@click.option("--prune", is_flag=True, help="Remove workers of older versions instead, of those that have no open run.")
@click.option("--dry-run", is_flag=True, help="With --prune: say what would go, and remove nothing.")
@which_service
def command(
    source: str, context: str, namespace: str, options: tuple[str, ...], *, timeout: float, url: str | None, token_file: str | None,
    optimize: int, wait: bool, force: bool, delete: bool, prune: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Apply a pipeline, or a folder that was built from one, to a Kubernetes cluster.

    Workers of older versions stay and finish their runs; --prune, once this version has taken over, removes those that have none left. It
    asks the service, by --url, and a pod of this very namespace must answer. A second call with the same version changes nothing.
    Exit code 1: the cluster or the service refused, or a Deployment did not become available in time.
    """
    from saltern_compiler.driver import cluster as clusters

    if (dry_run and not prune) or (prune and delete):
        fail("--dry-run is for --prune" if not prune else "--prune and --delete are two things: one at a time")
    try:
        objects = _objects(source, options, optimize)
        objects = clusters.moved(objects, namespace) if namespace else objects
        cluster = clusters.Cluster(context)
        if delete:
            _remove(cluster, objects, timeout if wait else 0)
            return
        if prune:
            with connect(url, token_file) as client:
                _prune(cluster, objects, client, dry_run=dry_run)
            return
        for manifest in objects:
            applied = cluster.apply(manifest, force=force)
            click.echo(f"{applied.name} {applied.outcome}")
        deployments = [manifest for manifest in objects if manifest["kind"] == "Deployment"]
        stuck = _wait(cluster, deployments, timeout) if wait else ()
    except clusters.ClusterError as error:
        click.echo(f"saltern: {error}", err=True)
        sys.exit(FINDINGS)
    for rollout in stuck:
        click.echo(f"saltern: {rollout.name} is not available: {rollout.state}", err=True)
        for trouble in rollout.troubles:
            click.echo(f"  {trouble}", err=True)
    if stuck:
        sys.exit(FINDINGS)


def _objects(source: str, options: Sequence[str], optimize: int) -> tuple[Object, ...]:
    from saltern_compiler.driver.cluster import load_base, read_base

    if not Path(source).is_dir():
        result = compile_clean(source, targets=("kubernetes",), options=read_options(options), optimize=optimize)
        return read_base(result.artifacts)
    if options:
        fail("--option is for a pipeline; a folder is applied as it was built")
    if click.get_current_context().get_parameter_source("optimize") is not ParameterSource.DEFAULT:
        fail("-O is for a pipeline; a folder is applied as it was built")
    return load_base(Path(source))


def _wait(cluster: Cluster, deployments: Sequence[Object], timeout: float) -> Sequence[Rollout]:
    """Wait for rollouts, telling what changes; returns those that are not done."""
    from saltern_compiler.driver.rollout import look

    until = time.monotonic() + timeout
    told: dict[str, Rollout] = {}
    open_ = list(deployments)
    while True:
        rollouts = [(deployment, _patiently(partial(look, cluster, deployment), until)) for deployment in open_]
        for _, rollout in rollouts:
            if told.get(rollout.name) != rollout:
                _tell(rollout)
            told[rollout.name] = rollout
        open_ = [deployment for deployment, rollout in rollouts if not rollout.done]
        stuck = [rollout for _, rollout in rollouts if not rollout.done]
        if not stuck or time.monotonic() >= until or all(rollout.failed for rollout in stuck):
            return stuck
        time.sleep(_PAUSE)


def _tell(rollout: Rollout) -> None:
    click.echo(f"deployment/{rollout.name}: {rollout.state}")
    for trouble in rollout.troubles:
        click.echo(f"  {trouble}")


def _patiently(ask: Callable[[], T], until: float) -> T:
    """Ask again while the cluster does not answer and there is time."""
    from saltern_compiler.driver.cluster import ClusterError

    while True:
        try:
            return ask()
        except ClusterError as error:
            if time.monotonic() >= until:
                raise
            click.echo(f"{error}; asking again", err=True)
            time.sleep(_PAUSE)


def _prune(cluster: Cluster, objects: Sequence[Object], client: Client[Any, Any], *, dry_run: bool) -> None:
    """Remove each older version that has no open run.

    The service is asked anew before each, and once more after all of them: workers of a version of which a run was set
    going again meanwhile are put back.
    """
    from saltern_compiler.driver.cluster import ClusterError, title
    from saltern_compiler.driver.pruning import old_versions, put_back, require_ours, require_settled

    def open_runs() -> dict[str, int]:
        found = client.versions()
        current = next((version.plan for version in found.versions if version.current), "")
        require_ours(cluster, objects, found.instance, current)
        if not found.counted:
            raise ClusterError(
                "it is not known yet what is open: timers count it in their first sweep, and none has been made"
            )
        return {version.version: version.open for version in found.versions}

    gone: list[Old] = []
    require_settled(cluster, objects)
    old = old_versions(cluster, objects)
    for version in old:
        count = open_runs().get(version.version, 0)
        if count:
            click.echo(f"version {version.version} stays: it has {plural(count, 'open run')}")
            continue
        gone.append(version)
        for resource in version.objects:
            if not dry_run:
                cluster.delete(resource)
            click.echo(f"{title(resource)} {'would go' if dry_run else 'deleted'}")
    if not old:
        click.echo("no older version is there")
    left = open_runs() if gone and not dry_run else {}
    for version in gone:
        if left.get(version.version):
            put_back(cluster, version)
            click.echo(f"version {version.version} is put back: a run of it was set going again meanwhile")


def _remove(cluster: Cluster, objects: Sequence[Object], timeout: float) -> None:
    from saltern_compiler.driver.cluster import ClusterError, title

    until = time.monotonic() + timeout
    there = list(cluster.ours(objects))
    for resource in there:
        cluster.delete(resource)
        click.echo(f"{title(resource)} deleted")
    if not there:
        click.echo("nothing of it is there")
    while timeout:
        left = [title(resource) for resource in there if cluster.get(resource) is not None]
        if not left:
            return
        if time.monotonic() >= until:
            raise ClusterError(f"{plural(len(left), 'object')} still there: {', '.join(left)}")
        time.sleep(_PAUSE)
