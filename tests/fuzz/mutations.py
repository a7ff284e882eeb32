"""Changes of a text that know what it is made of: tokens, lines, brackets, pieces of other texts, single bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Final

from tests.fuzz.seeds import seeds
from tests.hostile.texts import FRAGMENTS

_TOKEN: Final = re.compile(r"\w+|\s+|[^\w\s]")
_BRACKETS: Final = {"{": "}", "[": "]", "(": ")", "`": "`", '"': '"'}
_LONGEST: Final = 6_000
"""Characters of a text, so that many are tried in a minute."""


def mutate(text: str, target: str, random: Random) -> str:
    """Change a text in one to four places."""
    for _ in range(random.randint(1, 4)):
        text = random.choice(CHANGES)(text, target, random)
    return text[:_LONGEST]


def _cut(text: str, _: str, random: Random) -> str:
    first, last = _range(text, random)
    return text[:first] + text[last:]


def _double(text: str, _: str, random: Random) -> str:
    first, last = _range(text, random)
    return text[:last] + text[first:last] * random.choice([1, 1, 2, 30]) + text[last:]


def _move(text: str, _: str, random: Random) -> str:
    first, last = _range(text, random)
    rest = text[:first] + text[last:]
    at = random.randint(0, len(rest))
    return rest[:at] + text[first:last] + rest[at:]


def _swap_tokens(text: str, _: str, random: Random) -> str:
    tokens = _TOKEN.findall(text)
    if len(tokens) < 2:
        return text
    one, other = random.randrange(len(tokens)), random.randrange(len(tokens))
    tokens[one], tokens[other] = tokens[other], tokens[one]
    return "".join(tokens)


def _other_token(text: str, target: str, random: Random) -> str:
    tokens = _TOKEN.findall(text)
    if tokens:
        tokens[random.randrange(len(tokens))] = random.choice(_words(target))
    return "".join(tokens)


def _same_kind(text: str, target: str, random: Random) -> str:
    """Put a word of the text in the place of another: what is spelt right means something else."""
    words = list(re.finditer(r"\w+", text))
    if not words:
        return text
    place = random.choice(words)
    word = random.choice([random.choice(words).group(), random.choice(_words(target))])
    return text[: place.start()] + word + text[place.end() :]


def _lines(text: str, target: str, random: Random) -> str:
    """Put lines of another text in."""
    lines = text.splitlines(keepends=True)
    other = random.choice(seeds(target)).splitlines(keepends=True)
    first = random.randint(0, len(other))
    at = random.randint(0, len(lines))
    return "".join([*lines[:at], *other[first : first + random.randint(1, 8)], *lines[at:]])


def _splice(text: str, target: str, random: Random) -> str:
    """Put a block of another text, brackets and all, in the place of one of this text."""
    ours, theirs = _block(text, random), random.choice(seeds(target))
    first, last = _block(theirs, random)
    return text[: ours[0]] + theirs[first:last] + text[ours[1] :]


def _nest(text: str, _: str, random: Random) -> str:
    """Stand brackets around a piece, once or many times."""
    first, last = _range(text, random)
    opening = random.choice(list(_BRACKETS))
    times = random.choice([1, 1, 1, 2, 60, 120])
    return text[:first] + opening * times + text[first:last] + _BRACKETS[opening] * times + text[last:]


def _hostile(text: str, _: str, random: Random) -> str:
    at = random.randint(0, len(text))
    return text[:at] + random.choice(FRAGMENTS) + text[at:]


def _byte(text: str, _: str, random: Random) -> str:
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if data:
        data[random.randrange(len(data))] = random.randrange(256)
    return data.decode("utf-8", "replace")


def _number(text: str, _: str, random: Random) -> str:
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    place = random.choice(numbers)
    return text[: place.start()] + random.choice(_NUMBERS) + text[place.end() :]


CHANGES: Final[Sequence[Callable[[str, str, Random], str]]] = (
    _cut, _double, _move, _swap_tokens, _other_token, _other_token, _same_kind, _same_kind, _same_kind, _lines, _lines, _splice,
    _splice, _nest, _hostile, _byte, _number,
)  # fmt: skip
_NUMBERS: Final = (
    "0", "1", "-1", "00", "1.0", "1e3", "1e999", "9223372036854775807", "9223372036854775808", "0x7f", "1u", "0.1", "100000", "1s", "9" * 400,
)  # fmt: skip


@cache
def _words(target: str) -> tuple[str, ...]:
    """Return the tokens of all seeds."""
    words = {token for text in seeds(target) for token in _TOKEN.findall(text) if not token.isspace()}
    return tuple(sorted(words))


def _range(text: str, random: Random) -> tuple[int, int]:
    """Return a piece of the text: most of them short, some whole lines."""
    first = random.randint(0, len(text))
    if random.random() < 0.3:
        first = text.rfind("\n", 0, first) + 1
        end = text.find("\n", first)
        return first, len(text) if end < 0 else end + 1
    return first, min(len(text), first + random.choice([1, 2, 5, 20, 200]))


def _block(text: str, random: Random) -> tuple[int, int]:
    """Return a piece from an opening bracket to the one that closes it, or any piece."""
    openings = [at for at, char in enumerate(text) if char in "{[("]
    if not openings:
        return _range(text, random)
    first = random.choice(openings)
    depth = 0
    for at in range(first, len(text)):
        depth += (text[at] in "{[(") - (text[at] in "}])")
        if depth == 0:
            return first, at + 1
    return first, len(text)
