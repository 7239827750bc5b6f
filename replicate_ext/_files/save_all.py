"""`client.save`: all files of a result, concurrently, under names that say where they are in the output."""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from replicate_api import models
from replicate_api.types import Record

from .._dual import Resource, dual_method
from .._sansio import job as jobs
from .._send import BackendT
from .._transfers import TransferCallback, Transfers
from .disk import AtomicFile, file_in_folder, file_name, portable_name, save
from .download import EXPIRY_ADVICE
from .outputs import is_file_url


class Place(NamedTuple):
    """Where a file is in an output."""

    url: str
    keys: tuple[str, ...] = ()
    """The keys of the dicts that lead to it."""

    indexes: tuple[int, ...] = ()
    """The indexes of the lists with several items that lead to it."""


class FilesMixin(Resource[BackendT]):
    """Adds `save` to the clients."""

    @dual_method
    async def save(
        self, output: Any, folder: str | os.PathLike[str], *, progress: bool | TransferCallback | None = None
    ) -> list[Path]:
        """Download all files of a result into a folder, several concurrently, and return their paths in order.

        Files are the strings of an output that are, in their entirety, an http(s) URL or a data URI.

        A single file is named as by `FileOutput.save`. Several are named by where they are in the output: the keys of
        dicts, then the indexes of lists with more than one item. `{"image": [a, b], "mask": c}` becomes `image-0.png`,
        `image-1.png`, `mask.png`; files without a key have the name in their URL: `out-0.png`, `out-1.png`. If another
        file has that name already, a number is added.

        Args:
            output: A finished prediction or training, an output or any part of it, a URL, or a list or dict of these.
            folder: The folder, which is created if it does not exist.
            progress: A function that is called with the bytes that have arrived and the total, which is None until the
                size of every file is known; or True for a progress bar.

        Returns:
            The paths, in the order of the files in the output.

        Raises:
            ValueError: There is no file, or a prediction is unfinished or its data was removed; nothing was sent.
            APIStatusError, APIConnectionError, ResponseDecodeError, OSError: As for `FileOutput.save`; other files may
                have been saved.

        Examples:
            >>> images = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64, "num_outputs": 2})
            >>> [path.name for path in client.save(images, "pictures")]
            ['out-0.png', 'out-1.png']
        """
        places = list(iter_places(output))
        if not places:
            raise ValueError(
                f"no file to save in {_describe(output)}: save takes a finished prediction, its output, http(s) URLs, "
                "data URIs, or a list or dict of these; for the id of a prediction, pass client.predictions.get(id)"
            )
        with Transfers(progress, len(places)) as transfers:
            return await self._save_places(places, Path(folder), transfers)

    async def _save_places(self, places: list[Place], target: Path, transfers: Transfers) -> list[Path]:
        if len(places) == 1:
            url = places[0].url
            return [await save(self._session, url, file_in_folder(target, url), transfers)]
        suffixes = [PurePath(file_name(place.url)).suffix for place in places]
        files = [AtomicFile(target, *name) for name in zip(_stems(places), suffixes, strict=True)]
        paths: dict[int, Path] = {}

        async def save_one(index: int) -> None:
            paths[index] = await save(self._session, places[index].url, files[index], transfers)

        try:
            await self._session.backend.gather([save_one(index) for index in range(len(files))])
        finally:
            for file in files:  # on Ctrl-C, those that are still being written
                file.discard()
        return [path for _, path in sorted(paths.items())]


def iter_places(output: Any, is_file: Callable[[str], bool] = is_file_url) -> Iterator[Place]:
    """Yield the files of an output, and where they are in it."""
    pending: list[tuple[Any, Place]] = [(output, Place(""))]
    while pending:  # a model may nest its output deeper than Python's stack
        value, place = pending.pop()
        if _is_job(value):
            value = _final_output(value)
        if isinstance(value, str):
            if is_file(value):
                yield place._replace(url=str(value))
        elif isinstance(value, list | tuple):
            many = len(value) > 1
            places = [place._replace(indexes=(*place.indexes, i)) if many else place for i in range(len(value))]
            pending += reversed([*zip(value, places, strict=True)])
        elif isinstance(value, Mapping):
            pending += reversed([(item, place._replace(keys=(*place.keys, str(key)))) for key, item in value.items()])


def _is_job(value: object) -> bool:
    # without a Record, URLs are saved even if the OpenAPI document defines no predictions
    return isinstance(value, Record) and isinstance(value, models.Prediction | models.Training)


def _final_output(job: models.Prediction | models.Training) -> object:
    """Return the output of a job as JSON values; ValueError if the job is unfinished or its data was removed."""
    if not jobs.is_finished(job):
        raise ValueError(f"{_describe(job)} is not finished; call client.wait(prediction) before client.save")
    if getattr(job, "data_removed", False):
        raise ValueError(f"the data of {_describe(job)} was removed; {EXPIRY_ADVICE}")
    return job.output.to_dict() if isinstance(job.output, Record) else job.output


def _describe(output: Any) -> str:
    return f"{type(output).__name__.lower()} {output.id} ({output.status})" if _is_job(output) else reprlib.repr(output)


def _stems(places: list[Place]) -> list[str]:
    """Return a distinct file name without suffix for each file."""
    stems: list[str] = []
    for place in places:
        own_name = re.sub(r"-\d+$", "", PurePath(file_name(place.url)).stem)  # the index replaces the number in the URL
        name = portable_name("-".join(place.keys) or own_name)
        stem = candidate = "-".join([name, *map(str, place.indexes)])
        number = 1
        while candidate in stems:
            number += 1
            candidate = f"{stem}-{number}"
        stems.append(candidate)
    return stems
