"""What is said of a run that stands in line, since others of its group go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.link import Link


def in_line(link: Link, run_id: str, fields: Mapping[str, str]) -> str:
    """Say in words which runs a run waits for; empty where it stands in no line. The fields are those of the run."""
    group = fields.get("group")
    if not group or fields["state"] in {"RUNNING", "WAITING"}:
        return ""
    prefix = link.keys.shard(shard_of(run_id) or 0)
    behind, inside = f"{prefix}behind:{group}", f"{prefix}inside:{group}"

    def ask() -> list[Any]:
        with link.at(prefix).pipeline(transaction=True) as pipe:
            pipe.zscore(behind, run_id)
            pipe.zrange(inside, 0, 0)
            pipe.zcard(inside)
            return pipe.execute()

    place, first, count = link.patiently(ask)
    if place is None or not first:
        return ""
    goes = "goes on" if count == 1 else f"and {count - 1} more go on"
    before = link.patiently(lambda: link.at(prefix).zcount(behind, "-inf", f"({place}"))
    waits = f", {before} came before it" if before else ""
    return f"waits for its turn: {first[0]} {goes}{waits}"
