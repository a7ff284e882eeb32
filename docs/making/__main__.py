"""Write the site: `.docs/site`, from the pages in `.docs/pages`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from docs.making.site import CONFIG, make_site, read_pages
from saltern_compiler.registry import Registry

_DOCS: Final = Path(__file__).parents[1]
_OUT: Final = _DOCS.parent / ".docs"


def main() -> int:
    """Write what the generator reads, then let it build; a warning of it is a failure."""
    shutil.rmtree(_OUT, ignore_errors=True)
    for path, text in make_site(read_pages(_DOCS), (_DOCS / CONFIG).read_text("utf-8"), Registry.load()).items():
        (_OUT / path).parent.mkdir(parents=True, exist_ok=True)
        (_OUT / path).write_text(text, "utf-8")
    shutil.copy(_DOCS / "style.css", _OUT / "pages" / "style.css")
    command = (sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(_OUT / CONFIG))
    return subprocess.run(command, check=False, cwd=_OUT).returncode  # noqa: S603 - our own arguments


if __name__ == "__main__":
    sys.exit(main())
