"""Language models: `llm.chat(ctx, prompt=…, response=…)`."""

from typing import TYPE_CHECKING, Any

from saltern_runtime.nodes.llm.chat import chat

if TYPE_CHECKING:
    from saltern_runtime.nodes.llm.results import ChatText

__all__ = ["ChatText", "chat"]


def __getattr__(name: str) -> Any:
    if name == "ChatText":
        from saltern_runtime.nodes.llm import results  # noqa: PLC0415 - reading the spec needs no pydantic

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
