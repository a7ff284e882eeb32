"""Branches and values: node types that generated code writes as plain Python, so that none of them has a callable."""
