"""CEL's extension of encoders."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import BYTES, STRING
from saltern_compiler.expr.signatures import Function, Overload, function

ENCODERS: Final[tuple[Function, ...]] = (
    function("base64.encode", "Octets as base64.", 'base64.encode(b"hello") == "aGVsbG8="', Overload((BYTES,), STRING)),
    function(
        "base64.decode", "The octets of base64, with its padding or without.", 'base64.decode("aGVsbG8") == b"hello"',
        Overload((STRING,), BYTES, fails=True),
    ),
)  # fmt: skip
