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
    try:
        int(pin)
    except ValueError:
        log.exception("it went wrong")
    return name
