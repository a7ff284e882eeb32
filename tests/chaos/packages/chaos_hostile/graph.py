"""The plan."""

import os

from chaos_hostile import nodes
from saltern_runtime.graph import Graph, Stage
from saltern_runtime.spec import Retry

GRAPH = Graph(
    os.environ.get("CHAOS_SERVICE", "chaos"),
    package="chaos_hostile",
    deadline=60.0,
    stages=(
        Stage("act", nodes=(nodes.act,), queue="io", timeout=30.0, retry=Retry(attempts=1)),
        Stage("stay", nodes=(nodes.stay,), queue="io", timeout=1.5, retry=Retry(attempts=1)),
        Stage("return", nodes=(nodes.return_,)),
    ),
)
