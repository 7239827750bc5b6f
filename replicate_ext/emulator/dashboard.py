"""The dashboard: predictions, models with a form to run them, and the journal of requests.

Pages are rendered on the server, and every string from models and clients is escaped. Output files are shown as images
or linked, and the browser must not run them. The only script fetches the page again to update it.
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
import mimetypes
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .catalog import Model
from .http import get_origin
from .problems import Problem, not_found, validate
from .service import Endpoint, Service
from .state import Job

TEMPLATES = Path(__file__).parent / "templates"
MAX_ROWS = 50
"""Predictions, or requests, on a page."""

MAX_TEXT_LENGTH = 200
"""Characters of a value that are shown in full; longer ones are shortened."""

HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: http: https:; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def routes(service: Service) -> list[Route]:
    """Return the routes of the dashboard."""
    dashboard = _Dashboard(service)
    endpoints: list[tuple[str, str, Endpoint]] = [
        ("GET", "/", dashboard.predictions),
        ("GET", "/p/{id}", dashboard.prediction),
        ("POST", "/p/{id}/cancel", dashboard.cancel),
        ("GET", "/_/models", dashboard.models),
        ("GET", "/_/requests", dashboard.requests),
        ("GET", "/_/style.css", _static_file("style.css")),
        ("GET", "/_/live.js", _static_file("live.js")),
        ("GET", "/{owner}/{name}", dashboard.model),
        ("POST", "/{owner}/{name}", dashboard.run),
    ]
    return [Route(path, _same_site(endpoint), methods=[method]) for method, path, endpoint in endpoints]


def _same_site(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that other web sites can neither read nor submit forms to."""

    async def checked(request: Request) -> Response:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if not _is_own_host(host):
            return Problem(421, "The dashboard is served under the IP address or name of this machine only").response()
        if request.method == "POST" and origin is not None and urlsplit(origin).netloc != host:
            return Problem(403, "This form was sent from another site").response()
        return await endpoint(request)

    return checked


def _is_own_host(host: str) -> bool:
    """Whether a `Host` header has an IP address, or a name of this machine.

    Any other name may belong to a web site that has pointed it to this machine, so that its scripts may read the
    dashboard as if it were their own (DNS rebinding).
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name in ("localhost", socket.gethostname().lower()) or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


class _Dashboard:
    def __init__(self, service: Service) -> None:
        self._service = service
        loader = jinja2.FileSystemLoader(TEMPLATES)
        self._templates = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._templates.filters |= {"shorten": _shorten, "duration": self._duration}
        self._templates.tests |= {"image": _is_image, "text_list": _is_text_list}

    def _render(
        self, request: Request, template: str, *, live: bool = True, status: int = 200, **values: Any
    ) -> Response:
        service = self._service
        values |= {
            "origin": get_origin(request),
            "token": service.token,
            "now": service.clock.now().strftime("%H:%M:%S"),
            "live": "yes" if live else "no",
        }
        return HTMLResponse(self._templates.get_template(template).render(values), status, HEADERS)

    async def predictions(self, request: Request) -> Response:
        jobs = itertools.islice(reversed(self._service.state.jobs.values()), MAX_ROWS)
        return self._render(request, "predictions.html", jobs=list(jobs))

    async def prediction(self, request: Request) -> Response:
        job = self._service.state.jobs.get(request.path_params["id"])
        if job is None:
            return not_found().response()
        return self._render(request, "prediction.html", job=job, json=job.to_json(get_origin(request)))

    async def cancel(self, request: Request) -> Response:
        """Cancel a prediction or training, if it is still running."""
        job = self._service.state.jobs.get(request.path_params["id"])
        if job is None:
            return not_found().response()
        self._service.runner.cancel(job)
        return RedirectResponse(f"/p/{job.id}", 303)

    def _duration(self, job: Job) -> float:
        """Return the seconds from the creation of a job to its end, or until now."""
        return ((job.completed_at or self._service.clock.now()) - job.created_at).total_seconds()

    async def models(self, request: Request) -> Response:
        return self._render(request, "models.html", models=list(self._service.state.models.values()))

    async def requests(self, request: Request) -> Response:
        return self._render(request, "requests.html", requests=self._service.journal[: -MAX_ROWS - 1 : -1])

    async def model(self, request: Request, error: str | None = None) -> Response:
        model = self._find_model(request)
        if model is None:
            return not_found().response()
        schemas = model.latest_version.openapi_schema["components"]["schemas"] if model.latest_version else {}
        input_schema = schemas.get("Input", {})
        properties = [
            (name, _add_choices(value, schemas)) for name, value in input_schema.get("properties", {}).items()
        ]
        return self._render(
            request,
            "model.html",
            live=False,
            status=422 if error else 200,
            model=model,
            version=model.latest_version,
            properties=properties,
            required=input_schema.get("required", []),
            error=error,
        )

    async def run(self, request: Request) -> Response:
        """Run a model with the submitted form."""
        model = self._find_model(request)
        if model is None or model.latest_version is None:
            return not_found().response()
        properties = model.latest_version.openapi_schema["components"]["schemas"]["Input"]["properties"]
        try:
            async with request.form() as form:
                submitted = {name: form[name] for name in properties if name in form}
                input = {name: await _parse_field(submitted[name], properties[name]) for name in submitted}
            input = {name: value for name, value in input.items() if value is not None}
            validate(input, model.latest_version.input_validator, "input")
        except (Problem, ValueError) as error:
            return await self.model(request, str(error))
        execution = self._service.runner.start(model, model.latest_version, input, get_origin(request), None)
        return RedirectResponse(f"/p/{execution.job.id}", 303)

    def _find_model(self, request: Request) -> Model | None:
        return self._service.state.models.get("{owner}/{name}".format(**request.path_params))


async def _parse_field(value: Any, schema: dict[str, Any]) -> Any:
    """Return the value of a form field in the type of its schema; None for an empty field."""
    if isinstance(value, UploadFile):
        content = await value.read()
        media_type = value.content_type or "application/octet-stream"
        return f"data:{media_type};base64,{base64.b64encode(content).decode()}" if content else None
    if value == "":
        return None
    return value if schema.get("type", "string") == "string" else json.loads(value)


def _add_choices(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    [reference] = schema.get("allOf", [{}])
    component = components.get(reference.get("$ref", "").rpartition("/")[2], {})
    return {**schema, "choices": component.get("enum")}


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[:120]}… ({len(text)} characters)"


def _is_image(url: str) -> bool:
    return url.startswith("data:image/") or (mimetypes.guess_type(urlsplit(url).path)[0] or "").startswith("image/")


def _is_text_list(items: Any) -> bool:
    return all(isinstance(item, str) and not item.startswith(("http://", "https://", "data:")) for item in items)


def _static_file(name: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return FileResponse(TEMPLATES / name, headers=HEADERS)

    return endpoint
