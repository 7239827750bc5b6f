"""The pictures of the documentation: `make screenshots` takes them of what really runs."""
