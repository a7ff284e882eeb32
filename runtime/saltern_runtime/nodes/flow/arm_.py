"""`arm`: one of the ways that a `parallel` goes at the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from saltern_runtime.nodes.flow import attempt_

NODE: Final = replace(
    attempt_.NODE, name="arm", summary="Runs its body once and gives what it yields; a part of a `parallel`."
)
