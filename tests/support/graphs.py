"""Graphs that tests put together by hand."""

import hashlib

from saltern_runtime.graph import Graph


def graph_of(name, *stages, plan=None, **options):
    """Make a graph whose digest is `plan` or comes of its name, in place of a file."""
    graph = Graph(name, package="", stages=stages, **options)
    graph.source_map = {"plan": f"sha256:{plan or hashlib.sha256(name.encode()).hexdigest()}"}
    return graph
