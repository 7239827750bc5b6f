"""Benchmarks of our client and its peers. `python -m bench` runs them.

`server.py` and the workers (`ours.py`, `httpx_raw.py`, `v1.py`, `v2.py`, `js.mjs`, with `measure.py` and `official.py`)
are programs that run in environments of their own.
"""
