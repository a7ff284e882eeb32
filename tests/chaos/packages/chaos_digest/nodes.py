"""The nodes: item 3 is refused for good, and others at first, as the input says."""

from typing import Any

from chaos_triage.nodes import act

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, node


@node("stories", type="foreach@1")
def stories(*, input: dict[str, Any]) -> list[int]:  # noqa: A002 - the name that nodes read the input by
    """List what to go over."""
    return list(range(input["items"]))


@node("tell", type="slack.post_message@1")
def tell(ctx: Context, *, story: int, input: dict[str, Any]) -> int:  # noqa: A002 - the name that nodes read the input by
    """Tell one."""
    if story == 3:
        raise PermanentError("never", code="refused")
    act(ctx, input if story == 1 else {})
    return story


@node("stories/yield", type="yield@1")
def stories_yield(*, tell: int) -> int:
    """Give the item's result."""
    return tell


@node("return", type="return@1")
def return_(*, stories: list[int]) -> list[int]:
    """Return the result of the run."""
    return stories
