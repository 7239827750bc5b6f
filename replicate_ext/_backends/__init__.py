"""The only code that blocks, awaits or connects."""
