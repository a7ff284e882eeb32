"""Tries out which commands a user of Redis may run, and says what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError, ResponseError

from saltern_runtime.store.rights import Rights

_ALONE: Final = frozenset({"watch", "unwatch", "exec", "select"})
"""Tried outside of the transaction that is thrown away: they harm nothing there."""


def refused(client: redis.Redis, wanted: Rights, keys: Sequence[str], channels: Sequence[str] = ()) -> list[str]:
    """Return which commands the user may not run; `~` and `&` where it may not reach one of the keys or channels, given as patterns.

    Nothing is done: commands are queued in a transaction, for which their rights are looked at, and that is thrown away.
    """
    connection: Any = client.connection_pool.get_connection()
    lacking: list[str] = []

    def tried(calls: Sequence[tuple[str, Sequence[str]]]) -> None:
        connection.send_packed_command(
            connection.pack_commands([(*name.upper().split("|"), *given) for name, given in calls])
        )
        for name, _ in calls:
            try:
                connection.read_response()
            except ResponseError as error:  # what stands in the way of EXEC is told as an aborted transaction
                if isinstance(error, NoPermissionError) or "NOPERM" in str(error):
                    lacking.append(_lacks(str(error)) or name)

    trials = [pattern.replace("*", "trial") for pattern in keys]
    try:
        tried([(name, _with(wanted[name], trials[0])) for name in sorted({*wanted} & _ALONE)])
        tried([("multi", ())])  # whether that is allowed has to be known before anything else is sent
        if "multi" not in lacking:
            tried(
                [
                    (name, _with(wanted[name], place))
                    for name in sorted({*wanted} - _ALONE - {"multi"})
                    for place in _places(name, wanted[name], trials, channels)
                ]
            )
        return lacking
    finally:
        connection.disconnect()  # which throws the transaction away
        client.connection_pool.release(connection)


def _with(arguments: Sequence[str], place: str) -> list[str]:
    return [place if part in {"KEY", "CHANNEL"} else part for part in arguments]


def _places(name: str, arguments: Sequence[str], keys: Sequence[str], channels: Sequence[str]) -> Sequence[str]:
    """Return the keys, or the channels, that a command is tried with. Patterns are published to, but not subscribed to."""
    if "CHANNEL" not in arguments:
        return keys
    return [channel.replace("*", "trial") for channel in channels if name == "publish" or "*" not in channel]


def _lacks(refusal: str) -> str | None:
    """Return `~` or `&` for a key or a channel that may not be reached; None for a command."""
    if "command" in refusal:
        return None
    return "&" if "channel" in refusal else "~"


def told(lacking: Sequence[str], user: str, keys: Sequence[str], channels: Sequence[str] = ()) -> Iterator[str]:
    """Say what a user lacks, and the line that gives it."""
    if not lacking:
        return
    user = user or "default"
    commands = sorted({*lacking} - {"~", "&"})
    patterns = [f"~{key}" for key in keys] if "~" in lacking else []
    patterns += [f"&{channel}" for channel in channels] if "&" in lacking else []
    what = [f"may not run {', '.join(name.upper().replace('|', ' ') for name in commands)}"] if commands else []
    what += ["may not reach what is its own"] if patterns else []
    yield f"the user {user!r} {' and '.join(what)}: ACL SETUSER {' '.join([user, *patterns, *(f'+{name}' for name in commands)])}"
