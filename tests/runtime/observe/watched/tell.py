"""What a pipeline's own code says while it runs."""

import logging
import os
import sys

log = logging.getLogger("shop")


def say(name: str, pin: str) -> str:
    """Log, write to standard output as `print` does, and hand on."""
    token = os.environ["SHOP_TOKEN"]
    log.warning("two\nlines of %s, whose pin is %s and token %s", name, pin, token, extra={"basket": [pin, 3]})
    sys.stdout.write("printed\n")
    print("in", 3, "parts:", pin)  # noqa: T201 - as own code does
    print("without an end", end="")  # noqa: T201
    try:
        int(pin)
    except ValueError:
        log.exception("it went wrong")
    return name
