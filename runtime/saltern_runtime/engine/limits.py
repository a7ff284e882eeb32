"""What the store must know of limits: those of a connection, so that no worker claims what must wait, and that of open runs."""

from __future__ import annotations

from saltern_runtime.graph import Graph, Stage
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Limits
from saltern_runtime.store.failures import StoreUnfitError
from saltern_runtime.store.records import Limit


def limit_of(graph: Graph, stage: Stage, shards: int) -> dict[str, str | float | bool] | None:
    """Return the limit that a stage calls under, as the scripts take it; raises StoreUnfitError where there is one that cannot be kept.

    A run lives in one shard, and so does what is counted of its calls: each shard has its equal part of a limit, which
    together is never more than the whole. A slot cannot be halved, so there must be one for each shard.
    """
    for node in reversed(stage.nodes):
        connection = graph.connections[node.connection] if node.connection else None
        if connection is not None and connection.limits is not None:
            return _part(connection.name, connection.limits, shards)
    return None


def cap_of(settings: Settings) -> int | None:
    """Return how many runs a tenant may have open in each shard; None for any number. Raises StoreUnfitError where a shard has no part."""
    if settings.max_open_runs == 0:
        return None
    if settings.max_open_runs < settings.shards:
        raise StoreUnfitError(
            f"SALTERN_MAX_OPEN_RUNS lets a tenant have {settings.max_open_runs} open runs, which {settings.shards} shards cannot share: "
            f"raise it, or set SALTERN_SHARDS to less"
        )
    return settings.max_open_runs // settings.shards


def _part(name: str, limits: Limits, shards: int) -> dict[str, str | float | bool]:
    part: dict[str, str | float | bool] = {Limit.NAME: name}
    if limits.by is not None:
        part[Limit.BY_TENANT] = True
    if limits.per_second is not None:
        part[Limit.PER_SECOND] = limits.per_second / shards
    if limits.concurrency is not None:
        if limits.concurrency < shards:
            raise StoreUnfitError(
                f"the connection {name!r} lets {limits.concurrency} attempts run at a time, which {shards} shards cannot "
                f"share: set SALTERN_SHARDS to {limits.concurrency} at most, or let more run"
            )
        part[Limit.CONCURRENCY] = limits.concurrency // shards
    return part
