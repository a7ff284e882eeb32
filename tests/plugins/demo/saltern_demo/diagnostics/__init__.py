"""The codes of this plugin's diagnostics; their pages are in docs/<code>.md."""

from saltern_runtime.spec import Code, Severity

CODES = {
    "demo-breathless": Code("Finds a greeting whose `name` is written out and longer than 40 characters."),
    "demo-nobody": Code("Finds a greeting whose `name` is written out and empty."),
    "demo-capitals": Code("Warns of a greeting whose `name` is in capitals.", Severity.WARNING),
}
