"""Prints models.py."""

from __future__ import annotations

from saltern_compiler.ir.plan import Plan
from saltern_compiler.pytext import literal
from saltern_runtime.spec import Field
from saltern_runtime.spec.schema import MARKS
from saltern_runtime.spec.types import is_nullable
from saltern_targets.names import package_name
from saltern_targets.python.classes import Classes, Model
from saltern_targets.python.expr import attributes
from saltern_targets.writing import Module, docstring, sentence


def emit_models(plan: Plan, classes: Classes) -> bytes:
    """Write the models: one class for each object type, parts before wholes."""
    module = Module(
        f"Values of the pipeline {sentence(plan.pipeline.name)[:-1]}: its input and output, and results of its nodes.",
        source_name=plan.source_name,
        package=package_name(plan),
    )
    for index, model in enumerate(classes.own):
        if index:
            module.blank(2)
        _emit_class(module, model, classes)
    for name, annotation in sorted(classes.aliases.items()):
        module.blank(2)
        _use(module, annotation.imports)
        module.use("typing", "TypeAlias")
        module.add(f"{name}: TypeAlias = {annotation.text}")
    return module.render()


def _use(module: Module, imports: frozenset[tuple[str, str]]) -> None:
    for source, name in imports:
        module.use(source, name)


def _emit_class(module: Module, model: Model, classes: Classes) -> None:
    module.use("saltern_runtime.models", "Model")
    module.add(f"class {model.name}(Model):")
    module.add(docstring(model.doc), indent=4)
    if model.type.open:
        module.use("pydantic", "ConfigDict")
        module.blank()
        module.add('model_config = ConfigDict(extra="ignore")', indent=4)
    if model.type.fields:
        module.blank()
    names = attributes(model.type)
    for field in model.type.fields:
        module.add(f"{names[field.name]}: {_field(module, field, names[field.name], classes)}", indent=4)


def _field(module: Module, of: Field, attribute: str, classes: Classes) -> str:
    """Write the annotation and default of a field."""
    annotation = classes.annotation(of.type, held=True)
    _use(module, annotation.imports)
    text = annotation.text
    if not of.required and not is_nullable(of.type):
        module.use("saltern_runtime.models", "Maybe")
        text = f"Maybe[{text}]"
    about = []
    if attribute != of.name:
        about.append(f"alias={literal(of.name)}")
    if of.doc:
        about.append(f"description={literal(of.doc)}")
    if of.labels:
        about.append(f"json_schema_extra={literal({MARKS[label]: True for label in of.labels})}")
    if about:
        module.use("pydantic", "Field")
        module.use("typing", "Annotated")
        text = f"Annotated[{text}, Field({', '.join(about)})]"
    return text if of.required else f"{text} = None"
