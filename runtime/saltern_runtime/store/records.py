"""The letters of what the scripts keep, and the version of their layout. `contract` holds them against the scripts' own list.

Records are read and written at every stage, so their keys are letters; the list with their meaning stands in `prelude.lua`.
"""

from __future__ import annotations

from typing import Final

LAYOUT: Final = 2
"""Version of all that a run keeps, in its field `layout`. Two runtimes may work on the same keys: each leaves alone what a later
layout wrote, and writes a run as the layout says that the run has."""
TAGS: Final = 1_000_000_000_000
"""What a score of a queue holds beside the priority: below this a start tag, from it on a moment (Unix ms). See prelude.lua."""


class Record:
    """An activation (`run:<id>:acts`)."""

    STATE = "s"
    ATTEMPTS = "a"
    FAILURES = "f"
    LOST = "l"
    NONCE = "n"
    VERDICT = "v"
    QUEUE = "q"
    PRIORITY = "p"
    READS = "r"
    TIMEOUT = "t"
    TTL = "y"
    WAITING_SINCE = "w"
    BEGAN = "b"
    UNTIL = "u"
    ENDED = "e"
    GAP = "g"
    DURATIONS = "d"
    FAILURE = "x"
    WAKES = "z"
    ASKS = "h"
    TAKEN = "k"
    HIT = "m"
    LIMIT = "j"
    OTHERS = "o"
    CURSOR = "c"
    DONE = "done"
    NEXT = "next"
    RINGS = "rings"


class Limit:
    """What a limited activation, and a dependant, has of its limit (`Record.LIMIT`)."""

    NAME = "n"
    BY_TENANT = "t"
    CONCURRENCY = "c"
    PER_SECOND = "r"


class Cursor:
    """How far an open region has come (`Record.CURSOR`)."""

    ITEMS = "n"
    NEXT_ITEM = "i"
    LIVE = "l"
    MOST = "m"
    ON_ERROR = "e"
    BROKEN = "b"
    CARRIES = "w"
    UNTIL = "u"


class Round:
    """What an open region keeps of its rounds (`run:<id>:each:<path>`): each letter stands before the item's index."""

    ITEM = "i"
    OPEN = "o"
    YIELDED = "y"
    FAILED = "x"
    TOMBSTONE = "t"


BODY: Final = "b"
"""Field beside the rounds: what the region must know of its body (scripts/items.lua)."""
