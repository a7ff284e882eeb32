"""A package shaped like generated code: items that call through a limited connection, with effects that count themselves in Redis."""
