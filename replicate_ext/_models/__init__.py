"""What is known of a model: its inputs and its output, read from the `openapi_schema` of a version."""
