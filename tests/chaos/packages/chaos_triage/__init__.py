"""A package shaped like generated code: support triage, with effects that count themselves in Redis."""
