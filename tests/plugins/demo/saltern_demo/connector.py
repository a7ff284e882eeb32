"""The connector `demo`: how a house greets."""

from typing import Final

from saltern_runtime.spec import STRING, ConnectorSpec, Param

CONNECTOR: Final = ConnectorSpec(
    name="demo",
    summary="How a house greets.",
    settings=(
        Param("salutation", STRING, required=False, default="Hello", doc="The word that a greeting begins with."),
        Param("signature", STRING, secret=True, doc="Who signs."),
    ),
    egress=lambda _: ("greetings.example:443",),
    env={"salutation": "DEMO_SALUTATION"},
)
