"""Installing a third party's distribution."""

import subprocess
import sys
import zipfile
from pathlib import Path


def install(distribution: Path, folder: Path) -> Path:
    """Build the wheel of a distribution and install it into `folder/site`, as the wheel says; return that."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    done = subprocess.run(build, cwd=distribution, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"
