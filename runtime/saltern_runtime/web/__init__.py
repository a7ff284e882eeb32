"""The HTTP API around a pipeline: what the generated `api.py` is made of. Names load when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saltern_runtime.web.app import build_app
    from saltern_runtime.web.router import PipelineRouter
    from saltern_runtime.web.signatures import Hmac, Token
    from saltern_runtime.web.start import Delivery, Start

_HOME = {
    "Delivery": "saltern_runtime.web.start",
    "Hmac": "saltern_runtime.web.signatures",
    "PipelineRouter": "saltern_runtime.web.router",
    "Start": "saltern_runtime.web.start",
    "Token": "saltern_runtime.web.signatures",
    "build_app": "saltern_runtime.web.app",
}

__all__ = ["Delivery", "Hmac", "PipelineRouter", "Start", "Token", "build_app"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
