"""The plan."""

import os

from chaos_limits import nodes
from saltern_runtime.graph import Connection, Graph, Opens, Stage
from saltern_runtime.spec import Limits, Retry

SOON = Retry(attempts=4, base=0.05, cap=0.1)
BODY = (
    Stage("all/ask", nodes=(nodes.ask,), queue="io", retry=SOON),
    Stage("all/yield", nodes=(nodes.all_yield,)),
)
GRAPH = Graph(
    os.environ.get("CHAOS_SERVICE", "chaos"),
    package="chaos_limits",
    deadline=60.0,
    connections=(Connection("crm", connector="postgres", limits=Limits(per_second=25.0, concurrency=2)),),
    stages=(
        Stage("all", nodes=(nodes.all_,), ends=Opens("item", BODY, result="all/yield", at_most=16)),
        Stage("return", nodes=(nodes.return_,)),
    ),
)
