"""What a figure was measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine(*packages: str) -> dict[str, str]:
    """Name the processor, cores, Python and the versions of packages; no host name."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def keep(name: str, figures: dict[str, Any]) -> None:
    """Write figures to bench/results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")


def publish(name: str, lines: Sequence[str], figures: dict[str, Any]) -> None:
    """Print a report, and keep it beside the figures that it was made of."""
    text = "\n".join(lines) + "\n"
    print(text)
    keep(name, figures)
    (RESULTS / f"{name}.md").write_text(text)
