"""The Saltern language: text to pipeline and back, and its one look."""
