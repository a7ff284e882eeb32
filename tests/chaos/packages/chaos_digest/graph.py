"""The plan."""

import os

from chaos_digest import nodes
from saltern_runtime.graph import Graph, Opens, Schedule, Stage
from saltern_runtime.spec import Retry

SOON = Retry(attempts=4, base=0.05, cap=0.1)
BODY = (
    Stage("stories/tell", nodes=(nodes.tell,), queue="io", retry=SOON),
    Stage("stories/yield", nodes=(nodes.stories_yield,)),
)
GRAPH = Graph(
    os.environ.get("CHAOS_SERVICE", "chaos"),
    package="chaos_digest",
    deadline=60.0,
    schedules=(Schedule("hourly", cron="0 * * * *", catch_up="all", input={"items": 1}),),
    stages=(
        Stage(
            "stories",
            nodes=(nodes.stories,),
            ends=Opens("story", BODY, result="stories/yield", at_most=4, on_error="continue"),
        ),
        Stage("return", nodes=(nodes.return_,)),
    ),
)
