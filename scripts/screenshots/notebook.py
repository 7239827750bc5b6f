"""A notebook that a real kernel executes on the emulator, as JupyterLab shows it."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbclient
import nbconvert
import nbformat
from jupyter_client.manager import AsyncKernelManager
from PIL import Image

from replicate_ext.emulator import Emulator

from .chromium import photograph

WIDTH = 1040
CELLS = (
    """\
import replicate_ext as replicate

replicate.run(
    "acme/painter",
    {"prompt": "a lighthouse", "num_outputs": 4, "width": 216, "height": 144, "seed": 1},
)""",
    'replicate.wait(replicate.submit("acme/poet", {"prompt": "the sea", "lines": 2}))',
    "next(replicate.paginate(replicate.predictions.list))",
)


class KernelManager(AsyncKernelManager):
    """Starts kernels that listen on files, since another process may take a free TCP port before the kernel does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if sys.platform != "win32":
            self.transport = "ipc"
            self.ip = f"{tempfile.gettempdir()}/kernel-{uuid4().hex[:12]}"  # a path of at most 107 bytes


def execute_notebook(notebook: Any, folder: Path, env: dict[str, str] | None = None) -> None:
    """Execute the cells of a notebook in a kernel, which works in `folder`."""
    client = nbclient.NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        kernel_manager_class=KernelManager,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=env or dict(os.environ))


def execute(folder: Path, *cells: str) -> str:
    """Execute cells in a kernel, which works in `folder`, and return the page that nbconvert makes of them."""
    create: Any = nbformat.v4  # has no types
    notebook = create.new_notebook(cells=[create.new_code_cell(cell) for cell in cells])
    with Emulator() as api:
        environment = os.environ | {
            "REPLICATE_API_TOKEN": api.token,
            "REPLICATE_BASE_URL": api.url,
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "IPYTHONDIR": str(folder),  # not the settings and the history of the user
        }
        execute_notebook(notebook, folder, env=environment)
    exporter: Any = nbconvert.HTMLExporter
    body, _ = exporter(mathjax_url="", require_js_url="").from_notebook_node(notebook)
    return str(body)


def take(chromium: Path, folder: Path) -> tuple[Image.Image, str]:
    """Return a picture of the notebook and its HTML."""
    page = folder / "notebook.html"
    page.write_text(execute(folder, *CELLS), encoding="utf-8")
    return photograph(chromium, page.as_uri(), WIDTH)
