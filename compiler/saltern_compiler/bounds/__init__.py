"""What a run costs at most, for people and for programs."""

from saltern_compiler.bounds.document import render_json
from saltern_compiler.bounds.markdown import render_markdown
from saltern_compiler.bounds.model import Bounds, bounds_of
from saltern_compiler.bounds.terminal import render_terminal

__all__ = ["Bounds", "bounds_of", "rendered"]


def rendered(bounds: Bounds, style: str, source: str) -> str:
    """Write bounds as `text`, `json` or `markdown`; `source` is the pipeline as it was named."""
    if style == "json":
        return render_json(bounds, source)
    return render_markdown(bounds) if style == "markdown" else render_terminal(bounds)
