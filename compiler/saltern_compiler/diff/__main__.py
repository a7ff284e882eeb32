"""`python -m saltern_compiler.diff` prints the JSON Schema of comparisons, for schemas/diff.v1.json."""

import sys

from saltern_compiler.diff.document import text

if __name__ == "__main__":
    sys.stdout.write(text())
