"""`python -m saltern_compiler.bounds` prints the JSON Schema of bounds, for schemas/bounds.v1.json."""

import sys

from saltern_compiler.bounds.document import text

if __name__ == "__main__":
    sys.stdout.write(text())
