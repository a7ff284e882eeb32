"""How much is tried of what is random or repeats itself: a part of it by `make test`, all of it by `make test-long`."""

import os

LONG = int(os.environ.get("SALTERN_TEST_LONG") or 0)
"""0 is the short form, 1 the long one; 50 tries fifty times as many random examples as that."""


def tries(short: int, long: int) -> int:
    """Return how many random examples a test takes in this form."""
    return long * LONG if LONG else short
