"""Run the official clients against the emulator. `v1.py`, `v2.py` and `js.mjs` run in environments of their own."""
