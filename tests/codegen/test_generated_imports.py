"""Generated modules are imported on demand."""

from __future__ import annotations

import subprocess
import sys

from replicate_api.models import (
    Deployment,
)
from replicate_api.types import Field


def loaded_modules(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_one_endpoint_loads_no_models() -> None:
    loaded = loaded_modules("import replicate_api.api.predictions.predictions_get")
    assert not {name for name in loaded if name.startswith("replicate_api.models.")}
    assert {name for name in loaded if name.startswith("replicate_api.api.")} == {
        "replicate_api.api.predictions",
        "replicate_api.api.predictions.predictions_get",
    }
    assert "httpx" not in loaded


def test_using_one_model_does_not_load_the_others() -> None:
    loaded = loaded_modules("from replicate_api.models import Deployment; Deployment.from_dict({'name': 'x'}).name")
    assert {name for name in loaded if name.startswith("replicate_api.models.")} == {"replicate_api.models.deployment"}
    assert Deployment.from_dict({"name": "x"}).name == "x"
    assert isinstance(Deployment.fields["name"], Field)
