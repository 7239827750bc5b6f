"""The command `replicate-ext`."""
