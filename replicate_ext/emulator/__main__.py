"""`replicate-emulator`, or `python -m replicate_ext.emulator`: serve until Ctrl-C."""

from __future__ import annotations

import argparse
import runpy
import signal
import threading

from . import Emulator


def main() -> None:
    """Serve until somebody says stop."""
    parser = argparse.ArgumentParser(prog="replicate-emulator", description="A local Replicate.")
    parser.add_argument("models", nargs="*", help="Python files with models: functions under @emulator.model(...)")
    parser.add_argument("--port", type=int, default=8787, help="the port (default: 8787; 0: any that is free)")
    parser.add_argument("--host", default="127.0.0.1", help="who can reach it (default: only this machine)")
    parser.add_argument("--limited", action="store_true", help="enforce the API's rate limits")
    parser.add_argument("--boot", type=float, default=0, help="seconds that predictions are starting (default: 0)")
    parser.add_argument("--chaos", type=float, default=0, help="share of requests that go wrong by chance, 0 to 1")
    parser.add_argument("--https", action="store_true", help="speak HTTPS, with a throw-away certificate")
    parser.add_argument("--seed", type=int, help="what the chance depends on")
    parser.add_argument("--state", metavar="FILE", help="keep everything in this file, for the next time")
    arguments = parser.parse_args()
    for path in arguments.models:
        runpy.run_path(path, run_name="models")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    options = {name: getattr(arguments, name) for name in ("limited", "boot", "chaos", "seed", "https", "state")}
    with Emulator(arguments.port, arguments.host, **options) as api:
        print(f"Replicate's emulator listens on {api.url}. Ctrl-C stops it.")
        print(f"What it does is to be seen at {api.url.removesuffix('v1')}\n")
        print(f"export REPLICATE_BASE_URL={api.url}")
        print(f"export REPLICATE_API_TOKEN={api.token}")
        if api.authority:
            print(f"export SSL_CERT_FILE={api.authority} NODE_EXTRA_CA_CERTS={api.authority}")
        print(flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
