"""The table of functions, one module a family."""
