"""Names that Python and what is installed with a generated service have already.

They stand in `names.json`, so that neither a finding nor a byte depends on the Python or the machine that compiles.
`python -m saltern_compiler.pynames` adds what the Python and the environment that run it have, and takes nothing away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from importlib.resources import files
from typing import Final

_NAMES: Final[Mapping[str, list[str]]] = json.loads(files(__package__).joinpath("names.json").read_text("utf-8"))

BUILTINS: Final[Set[str]] = frozenset(_NAMES["builtins"])
"""Of every Python that is supported."""
KEYWORDS: Final[Set[str]] = frozenset(_NAMES["keywords"])
"""Soft ones too."""
STANDARD_LIBRARY: Final[Set[str]] = frozenset(_NAMES["standard_library"])
"""Top-level modules."""
INSTALLED: Final[Set[str]] = frozenset(_NAMES["installed"])
"""Top-level modules of saltern, saltern-runtime with every extra, and all that these require."""
OWN: Final[Set[str]] = frozenset({"custom", "deploy", "docs", "pip", "setuptools", "test", "tests", "wheel", "wheels"})
"""Folders of a generated tree and of the repositories that it may stand in, and what every environment begins with."""
PACKAGES: Final[Set[str]] = STANDARD_LIBRARY | INSTALLED | OWN
"""What a package of its own would hide, or be hidden by."""
