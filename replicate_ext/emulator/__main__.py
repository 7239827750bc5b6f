"""`replicate-emulator`, or `python -m replicate_ext.emulator`: run the emulator until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import runpy
import signal
import threading
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from . import Emulator


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (--help lists the options)\n")


def create_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(prog="replicate-emulator", description="A local server that implements Replicate's API.")
    parser.add_argument("models", nargs="*", help="Python files that define models with @emulator.model(...)")
    parser.add_argument("--port", type=int, default=8787, help="port to listen on (default: 8787; 0 picks a free one)")
    parser.add_argument("--host", default="127.0.0.1", help="interface to listen on (default: only this machine)")
    parser.add_argument("--enforce-rate-limits", action="store_true", help="reject requests beyond the rate limits")
    parser.add_argument(
        "--boot-time", type=float, default=0, help="seconds for which a prediction stays starting (default: 0)"
    )
    parser.add_argument("--chaos", type=float, default=0, help="probability that a request fails, 0 to 1 (default: 0)")
    parser.add_argument("--https", action="store_true", help="serve HTTPS, with a throw-away certificate")
    parser.add_argument("--seed", type=int, help="seed for the random failures")
    parser.add_argument("--state", metavar="FILE", help="SQLite file that keeps all state across restarts")
    return parser


def main() -> None:
    """Run the emulator until SIGINT or SIGTERM; if it cannot start, exit with status 2 and one line."""
    parser = create_parser()
    options = vars(parser.parse_args())
    with contextlib.ExitStack() as stack:
        try:
            api = stack.enter_context(create_emulator(**options))
        except (ImportError, OSError, ValueError) as error:
            parser.error(getattr(error, "strerror", None) or str(error))
        stop = stop_on_signal()
        print(describe(api), flush=True)
        stop.wait()


def create_emulator(models: Iterable[str], **options: Any) -> Emulator:
    """Return an emulator, not running yet, with the models of these files.

    Raises:
        ImportError, ValueError: An extra is missing, an option is out of range, or a file fails to define models.
    """
    from . import Emulator

    for path in models:
        _define_models(path)
    return Emulator(**options)


def describe(api: Emulator) -> str:
    """Return the lines that say where an emulator listens, and how a client reaches it."""
    lines = [
        f"The emulator is listening on {api.url} (Ctrl-C stops it).",
        f"Dashboard: {api.url.removesuffix('v1')}",
        "",
        f"export REPLICATE_BASE_URL={api.url}",
        f"export REPLICATE_API_TOKEN={api.token}",
    ]
    if api.ca_file:
        lines.append(f"export SSL_CERT_FILE={api.ca_file} NODE_EXTRA_CA_CERTS={api.ca_file}")
    return "\n".join([*lines, ""])


def stop_on_signal() -> threading.Event:
    """Return what SIGINT and SIGTERM set from now on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _define_models(path: str) -> None:
    """Run a Python file that defines models; a ValueError says where it fails."""
    try:
        runpy.run_path(path, run_name="models")
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f", line {frame.lineno}" for frame in frames if frame.filename == path]
        raise ValueError(f"{path}{lines[-1] if lines else ''}: {type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
