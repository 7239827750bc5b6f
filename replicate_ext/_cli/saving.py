"""Where the output of a prediction goes: to stdout as text, or with `-o` to a folder, a file, or stdout as bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ..errors import ReplicateError
from . import pictures
from .error_report import message
from .exit_codes import UnusableResultError

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .context import App


class Destination:
    """What `-o` names.

    Raises:
        OSError: The folder cannot be created or written; raised before anything is paid for.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_stdout = text == "-"
        self.path = Path(text).expanduser()
        self.is_folder = not self.is_stdout and (text.endswith(("/", os.sep)) or self.path.is_dir())
        if not self.is_stdout:
            folder = self.path if self.is_folder else self.path.parent
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied", str(folder))


def deliver(app: App, job: Prediction, destination: Destination | None, *, show: bool = False) -> None:
    """Print the output of a prediction that has succeeded, or save it and print the paths.

    Raises:
        UnusableResultError, ReplicateError: It could not be saved; the message says how to try again.
    """
    output = app.client.output(job)
    with _advise(job):
        if destination is None:
            _print(app, job, output)
        elif destination.is_stdout:
            write(app, output)
        else:
            paths = save(app, output, destination)
            if app.output.is_json:
                app.output.json({**job.to_dict(), "saved": [*map(str, paths)]})
            for path in () if app.output.is_json else paths:
                app.output.line(path)
        if show and app.output.is_terminal:
            pictures.show(app, find_files(output))


@contextmanager
def _advise(job: Prediction) -> Iterator[None]:
    """Add to an error how to save the output again, without running the model again."""
    advice = f"the prediction has succeeded: `replicate-ext predictions save {job.id} -o FOLDER/` saves its output"
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise UnusableResultError(f"{message(error)}; {advice}") from error
    except ReplicateError as error:
        error.add_advice(advice)
        raise


def _print(app: App, job: Prediction, output: Any) -> None:
    if app.output.is_json:
        app.output.json(job.to_dict())
    else:
        app.output.text(_as_text(output, is_short=app.output.is_terminal))
        app.output.end_line()


def _as_text(output: Any, *, is_short: bool = False) -> str:
    """Return an output as text: files as URLs, one a line; pieces of text joined; everything else as JSON."""
    if not _is_text(output):
        return json.dumps(output, ensure_ascii=False, indent=2 if is_short else None)
    items = output if isinstance(output, list) else [output]
    if not any(map(_is_file, items)):
        return "".join(items)
    return "\n".join(
        f"{item[:60]}… ({len(item):,} characters)" if is_short and item.startswith("data:") else item for item in items
    )


def _is_text(output: Any) -> bool:
    return all(isinstance(item, str) for item in (output if isinstance(output, list) else [output]))


def _is_file(value: object) -> bool:
    from .._files.wrap import is_wrapped

    return isinstance(value, str) and is_wrapped(value)


def find_files(output: Any) -> list[Any]:
    """Return the files of an output, anywhere in it."""
    if isinstance(output, dict):
        return [file for value in output.values() for file in find_files(value)]
    if isinstance(output, list):
        return [file for value in output for file in find_files(value)]
    return [output] if _is_file(output) else []


def _only_file(files: list[Any], target: str) -> Any:
    if len(files) > 1:
        raise ValueError(f"the output has {len(files)} files, and -o {target} takes one")
    return files[0]


def write(app: App, output: Any) -> None:
    """Write an output to stdout: its only file, or text."""
    files = find_files(output)
    if not files:
        app.output.text(_as_text(output))
        return
    file = _only_file(files, "-")
    if app.output.is_terminal:
        raise ValueError(f"the output is {file.content_type or 'a file'}, which is not written to a terminal")
    app.output.bytes(file.iter_bytes())


def save(app: App, output: Any, destination: Destination) -> list[Path]:
    """Save an output in a file or a folder, and return the paths."""
    files, path = find_files(output), destination.path
    if files and destination.is_folder:
        return app.client.save(output, path)
    if files:
        return [_only_file(files, destination.text).save(path)]
    name = "output.txt" if _is_text(output) else "output.json"
    return [save_content(f"{_as_text(output)}\n".encode(), name, destination)]


def save_content(content: bytes, name: str, destination: Destination) -> Path:
    """Save content in a file or, under a name that may get a number, in a folder; return the path."""
    from .._files.disk import AtomicFile, portable_name

    path = destination.path
    if destination.is_folder:
        parts = PurePath(portable_name(name))
        file = AtomicFile(path, parts.stem, parts.suffix)
    else:
        file = AtomicFile(path.parent, path.name, None, may_replace=True)
    try:
        file.write([content])
        return file.commit()
    finally:
        file.discard()
