"""Expressions, templates and types as Python: what targets use."""

from saltern_compiler.expr.code import (
    AND,
    ATOM,
    COMPARISON,
    CONDITIONAL,
    LAMBDA,
    NOT,
    OR,
    PRODUCT,
    SUM,
    UNARY,
    Code,
    code,
)
from saltern_compiler.expr.coerce import Classes, annotation, attributes, coerce, fits
from saltern_compiler.expr.printer import PyName, to_python, typed_code
from saltern_compiler.expr.template import template_to_python

__all__ = [
    "AND", "ATOM", "COMPARISON", "CONDITIONAL", "LAMBDA", "NOT", "OR", "PRODUCT", "SUM", "UNARY", "Classes", "Code", "PyName",
    "annotation", "attributes", "code", "coerce", "fits", "template_to_python", "to_python", "typed_code",
]  # fmt: skip
