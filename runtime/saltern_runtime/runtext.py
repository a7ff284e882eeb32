"""A run as the API shows it, as lines of text: for `saltern dev`, and for whoever looks at a service from outside."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Run = Mapping[str, Any]
"""A run as the API shows it."""

_COLORS: Final = {
    "SUCCEEDED": "32", "RUNNING": "36", "READY": "36", "QUEUED": "36", "WAITING": "36", "SUSPENDED": "36", "RETRY_WAIT": "33", "CANCELLING": "33", "FAILED": "31",
    "DEAD": "31", "TIMED_OUT": "31", "CANCELLED": "33", "SKIPPED": "2", "BLOCKED": "2",
}  # fmt: skip


def lines(run: Run, width: int | None = None, *, color: bool = False) -> list[str]:
    """Draw a run: its state and time, and one line for each node, cut to a terminal's `width` where there is one."""
    head = ["run", run["id"], run["state"], took(run["created_at"], run["ended_at"]), _begun(run)]
    nodes = run["nodes"]
    widths = [max((len(plain(node[key])) for node in nodes), default=0) for key in ("id", "type")]
    drawn = [paint(cut("  ".join(filter(None, map(plain, head))), width), "1", color=color)]
    for node in nodes:
        attempt = f"attempt {node['attempt']}" if node["attempt"] > 1 else ""
        parts = [
            plain(node["id"]).ljust(widths[0]),
            plain(node["type"]).ljust(widths[1]),
            node["state"].ljust(10),
            (seconds(node["duration"]) or "").rjust(9),
            "  ".join(filter(None, (attempt or items(node), cached(node), elided(node)))),
            why(node["failure"]),
        ]
        text = cut("  " + "  ".join(map(plain, parts)).rstrip(), width)
        drawn.append(paint(text, _COLORS.get(node["state"], "0"), color=color))
    if run.get("stranded"):
        drawn.append(paint(cut(f"  {plain(run['stranded'])}", width), "33", color=color))
    if run["failure"] is not None:
        drawn.append(paint(cut(f"  {plain(why(run['failure']))}", width), "31", color=color))
    return drawn


def _begun(run: Run) -> str:
    """Say what began a run; of one that another began, what it runs."""
    return f"{run['trigger']} {run['pipeline']}" if run.get("parent") else str(run["trigger"])


def items(node: Mapping[str, Any]) -> str:
    """Say how many items a foreach, or a node of its body, has done."""
    items = node.get("items")
    if not items:
        return ""
    failed = f", {items['failed']} failed" if items["failed"] else ""
    return f"{items['done'] + items['failed'] + items['skipped']}/{items['total']} items{failed}"


def cached(node: Mapping[str, Any]) -> str:
    """Say that a node's value came from the cache; of a node of a body, how often."""
    times = node.get("cached")
    if not times:
        return ""
    return f"{times} from the cache" if node.get("items") else "from the cache"


def elided(node: Mapping[str, Any]) -> str:
    """Say why a node was not run, where it was not."""
    return f"not run: {node['elided']}" if node.get("elided") else ""


def plain(text: object) -> str:
    """Take out what would move a terminal's cursor or hide text: control and format characters."""
    return "".join(char if unicodedata.category(char)[0] != "C" else " " for char in str(text))


def why(failure: Mapping[str, Any] | None) -> str:
    """Say why something failed, on one line; empty where it did not."""
    if failure is None:
        return ""
    where = f"{failure['node']}: " if failure.get("node") else ""
    said = " ".join(plain(failure["message"]).split())
    kinds = ", ".join(dict.fromkeys((failure["kind"], failure["code"])))
    return f"{where}{said} ({kinds})"


def seconds(value: float | None) -> str:
    """Write how long something took; empty where that is not known."""
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def took(begin: str, end: str | None) -> str:
    """Write how long something took between two moments of the API, until now where it has not ended."""
    last = time(end) if end is not None else datetime.now(UTC)
    return seconds(max(0.0, (last - time(begin)).total_seconds()))


def time(text: str) -> datetime:
    """Read a moment as the API writes it."""
    return datetime.fromisoformat(text)


def cut(text: str, width: int | None) -> str:
    """Cut a line to a terminal's width, where there is one."""
    return text if width is None or len(text) < width else text[: max(1, width - 2)] + "…"


def paint(text: str, code: str, *, color: bool) -> str:
    """Colour a text by a code of ANSI."""
    return f"\x1b[{code}m{text}\x1b[0m" if color else text
