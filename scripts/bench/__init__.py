"""The parts of `bench.py`: environments, works, tables, plot; and what it runs: a server, and a worker a client."""
