"""Greets people: a plugin of Saltern, to copy from."""
