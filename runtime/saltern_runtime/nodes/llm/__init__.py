"""Language models: `llm.chat(ctx, prompt=…, response=…)`."""

from saltern_runtime.nodes.llm.chat import ChatText, chat

__all__ = ["ChatText", "chat"]
