"""Stand-ins for generated models."""
