"""The expression language: CEL with the pipeline's types. Parse, type, show, print as Python."""
