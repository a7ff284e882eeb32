"""Names that Python and what is installed with a generated service have already.

They stand in `names.json`, so that neither a finding nor a byte depends on the Python or the machine that compiles: those of CPython
3.11 to 3.14 as their `builtins`, `keyword` and `sys` say them, and those of the environment of constraints.txt as its metadata does.
`python -m saltern_compiler.pynames` adds what the Python and the environment that run it have, and takes nothing away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Final

_NAMES: Final[Mapping[str, list[str]]] = json.loads(Path(__file__).with_name("names.json").read_text("utf-8"))

BUILTINS: Final[Set[str]] = frozenset(_NAMES["builtins"])
"""Of every Python that is supported."""
HARD_KEYWORDS: Final[Set[str]] = frozenset(_NAMES["keywords"])
"""Nothing at all is called so."""
KEYWORDS: Final[Set[str]] = HARD_KEYWORDS | frozenset(_NAMES["soft_keywords"])
"""With those that are words in some places only."""
STANDARD_LIBRARY: Final[Set[str]] = frozenset(_NAMES["standard_library"])
"""Top-level modules."""
INSTALLED: Final[Set[str]] = frozenset(_NAMES["installed"])
"""Top-level modules of saltern, saltern-runtime with every extra, and all that these require."""
OWN: Final[Set[str]] = frozenset({"custom", "deploy", "docs", "pip", "setuptools", "test", "tests", "wheel", "wheels"})
"""Folders of a generated tree and of the repositories that it may stand in, and what every environment begins with."""
PACKAGES: Final[Set[str]] = STANDARD_LIBRARY | INSTALLED | OWN
"""What a package of its own would hide, or be hidden by."""
_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]*")


def module_of(requirement: str) -> str:
    """Return the module that the project of a requirement (PEP 508) installs, where both are named alike."""
    name = _PROJECT.match(requirement)
    return re.sub(r"[-_.]+", "_", name[0]).lower() if name else ""
