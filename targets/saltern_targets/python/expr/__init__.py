"""Expressions, templates and types as Python, printed of typed trees."""

from saltern_targets.python.expr.code import Code, code
from saltern_targets.python.expr.coerce import Classes, annotation, attributes, coerce, fits
from saltern_targets.python.expr.printer import print_arms, print_expression
from saltern_targets.python.expr.template import print_placed, print_template

__all__ = [
    "Classes",
    "Code",
    "annotation",
    "attributes",
    "code",
    "coerce",
    "fits",
    "print_arms",
    "print_expression",
    "print_placed",
    "print_template",
]
