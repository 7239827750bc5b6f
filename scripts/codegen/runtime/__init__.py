"""The hand-written part of the generated package.

`make generate` copies the other modules to `generated/replicate_api`, byte for byte. Edit
them here. `models/problem.py` only stands in for a generated module, for type checkers, and is not copied.
"""
