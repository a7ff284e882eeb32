"""A generated service with all it needs, on this machine: `python -m saltern_runtime.dev DIR`."""
