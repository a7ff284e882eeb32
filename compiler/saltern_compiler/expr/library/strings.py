"""CEL's extension of strings: places count characters from 0."""

from __future__ import annotations

from typing import Final

from saltern_compiler.expr.kinds import ANY, INT, STRING
from saltern_compiler.expr.signatures import LIST, Function, Overload, T, function, method
from saltern_runtime.spec.types import ListType

STRINGS: Final[tuple[Function, ...]] = (
    function(
        "strings.quote", "The text in double quotes, with escapes.", r'strings.quote("a\n") == "\"a\\n\""', Overload((STRING,), STRING)
    ),
    method("charAt", "The character at a place.", '"abc".charAt(1) == "b"', Overload((STRING, INT), STRING, fails=True)),
    method(
        "indexOf", "The first place of a text, or -1; looked for from a place on.", '"abcb".indexOf("b") == 1',
        Overload((STRING, STRING), INT), Overload((STRING, STRING, INT), INT, fails=True),
    ),
    method(
        "lastIndexOf", "The last place of a text, or -1; it begins at a place at the latest.", '"abcb".lastIndexOf("b") == 3',
        Overload((STRING, STRING), INT), Overload((STRING, STRING, INT), INT, fails=True),
    ),
    method("lowerAscii", "A to Z in lower case.", '"ABC".lowerAscii() == "abc"', Overload((STRING,), STRING)),
    method("upperAscii", "a to z in upper case.", '"abc".upperAscii() == "ABC"', Overload((STRING,), STRING)),
    method(
        "replace", "A text in place of another, everywhere or at most so many times.", '"a-b-c".replace("-", "+", 1) == "a+b-c"',
        Overload((STRING, STRING, STRING), STRING, fails=True), Overload((STRING, STRING, STRING, INT), STRING, fails=True),
    ),
    method(
        "split", "The texts between separators, all or at most so many.", '"a,b".split(",") == ["a", "b"]',
        Overload((STRING, STRING), ListType(STRING)), Overload((STRING, STRING, INT), ListType(STRING)),
    ),
    method(
        "substring", "The text from a place on, or to before another.", '"abcd".substring(1, 3) == "bc"',
        Overload((STRING, INT), STRING, fails=True), Overload((STRING, INT, INT), STRING, fails=True),
    ),
    method("trim", "The text without white space at its ends.", '" a ".trim() == "a"', Overload((STRING,), STRING)),
    method(
        "format", "The text with values in place of its clauses: `%s`, `%d`, `%.2f`, `%e`, `%x`, `%X`, `%o`, `%b`.",
        '"%s: %.1f".format(["a", 2.25]) == "a: 2.2"', Overload((STRING, LIST), STRING, fails=True),
    ),
    method(
        "join", "Texts in a row, with one between them.", '["a", "b"].join("-") == "a-b"',
        Overload((LIST,), STRING, fails=True), Overload((LIST, STRING), STRING, fails=True),
    ),
    method(
        "reverse", "Backwards, a text or a list.", '"abc".reverse() == "cba"',
        Overload((STRING,), STRING), Overload((ListType(T),), ListType(T)),
        Overload((ANY,), ANY, fails=True),
    ),
)  # fmt: skip
