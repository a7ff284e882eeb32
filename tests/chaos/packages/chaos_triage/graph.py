"""The plan."""

import os

from chaos_triage import nodes
from saltern_runtime.graph import Graph, On, Stage
from saltern_runtime.spec import Retry

SOON = Retry(attempts=4, base=0.05, cap=0.1)
GRAPH = Graph(
    os.environ.get("CHAOS_SERVICE", "chaos"),
    package="chaos_triage",
    deadline=60.0,
    stages=(
        Stage("classify", nodes=(nodes.classify,), queue="model", timeout=20.0, retry=SOON),
        Stage("route", nodes=(nodes.route,)),
        Stage("tell_billing", nodes=(nodes.tell_billing,), when=(On("route", "case.billing"),), queue="io", retry=SOON),
        Stage("tell_dev", nodes=(nodes.tell_dev,), when=(On("route", "else"),), queue="io", retry=SOON),
        Stage("log", nodes=(nodes.log,), queue="io", retry=SOON),
        Stage("return", nodes=(nodes.return_,)),
    ),
)
