"""What own code asks to wait for, whatever that is."""

from typing import Any

import pytest

from saltern_runtime.connectors.base import retry_after
from saltern_runtime.errors import TransientError
from saltern_runtime.graph import Context, Stage, node
from saltern_runtime.spec import Retry


@pytest.mark.parametrize("asked", [float("nan"), float("-inf"), -5.0, "5", True])
def test_what_is_no_time_to_wait_is_none(local, asked: Any):
    """The attempt is recorded as failed, and there is another one."""
    tries = []

    @node("return", type="return@1")
    def return_(ctx: Context) -> int:
        tries.append(ctx.attempt)
        if len(tries) == 1:
            raise TransientError("later", code="busy", retry_after=asked)
        return 1

    view = local.run(Stage("return", nodes=(return_,), retry=Retry(attempts=3, base=0.0)))
    assert (view.state, tries) == ("SUCCEEDED", [1, 2])


@pytest.mark.parametrize(
    "header",
    [
        f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT",
        f"Mon, 01 Jan 2024 {'9' * 23}:00:00 GMT",
        f"Mon, 01 Jan 2024 00:00:00 +{'9' * 25}",
        "9" * 5000,
        "nan",
        "(" * 1000,
    ],
)
def test_a_header_that_says_nothing_usable_says_nothing(header):
    """Whoever answers with one is not an error of our own, which would be tried again though it may have acted."""
    assert retry_after(header) is None
