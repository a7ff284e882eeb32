"""The document of a visual editor, as JSON or YAML: to pipeline and back, and its JSON Schema."""
