"""The page for people: what runs, what can be run, and what was asked for.

Rendered here, with everything that models and clients say escaped; files that models make are shown as pictures or
linked, and never run. The one script fetches the page again every now and then.
"""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jinja2
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .operations import origin
from .problems import Problem, check, not_found

if TYPE_CHECKING:
    from .app import Service

HERE = Path(__file__).parent / "templates"
SHOWN = 50
"""Predictions, and requests, on a page."""

HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: http: https:; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def routes(service: Service) -> list[Route]:
    """Return the routes of the site."""
    site = _Site(service)
    return [
        Route("/", site.predictions),
        Route("/p/{id}", site.prediction),
        Route("/_/models", site.models),
        Route("/_/requests", site.requests),
        Route("/_/style.css", _file("style.css")),
        Route("/_/live.js", _file("live.js")),
        Route("/{owner}/{name}", site.model),
        Route("/{owner}/{name}", site.run, methods=["POST"]),
    ]


class _Site:
    def __init__(self, service: Service) -> None:
        self._service = service
        loader = jinja2.FileSystemLoader(HERE)
        self._templates = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._templates.filters["brief"] = _brief
        self._templates.tests |= {"picture": _is_picture, "texts": _are_texts}

    def _page(
        self, request: Request, template: str, *, live: bool = True, status: int = 200, **values: Any
    ) -> Response:
        service = self._service
        values |= {
            "origin": origin(request),
            "token": service.token,
            "now": service.clock.now().strftime("%H:%M:%S"),
            "live": "yes" if live else "no",
        }
        return HTMLResponse(self._templates.get_template(template).render(values), status, HEADERS)

    async def predictions(self, request: Request) -> Response:
        jobs = list(self._service.state.jobs.values())[: -SHOWN - 1 : -1]
        return self._page(request, "predictions.html", jobs=jobs)

    async def prediction(self, request: Request) -> Response:
        job = self._service.state.jobs.get(request.path_params["id"])
        if job is None:
            return not_found().response()
        return self._page(request, "prediction.html", job=job, view=job.view(origin(request)))

    async def models(self, request: Request) -> Response:
        return self._page(request, "models.html", models=list(self._service.state.models.values()))

    async def requests(self, request: Request) -> Response:
        return self._page(request, "requests.html", entries=self._service.journal[: -SHOWN - 1 : -1])

    async def model(self, request: Request, problem: str | None = None) -> Response:
        model = self._service.state.models.get("{owner}/{name}".format(**request.path_params))
        if model is None:
            return not_found().response()
        inputs = model.latest.openapi_schema["components"]["schemas"] if model.latest else {}
        properties = inputs.get("Input", {}).get("properties", {})
        shown = [(name, _with_choices(properties[name], inputs)) for name in properties]
        required = inputs.get("Input", {}).get("required", [])
        more = {"version": model.latest, "properties": shown, "required": required, "problem": problem}
        return self._page(request, "model.html", live=False, status=422 if problem else 200, model=model, **more)

    async def run(self, request: Request) -> Response:
        """Run a model with what was filled in."""
        sender = request.headers.get("origin")
        if sender is not None and urlsplit(sender).netloc != request.headers.get("host"):
            return Problem(403, "This form was sent from another site").response()
        model = self._service.state.models.get("{owner}/{name}".format(**request.path_params))
        if model is None or model.latest is None:
            return not_found().response()
        properties = model.latest.openapi_schema["components"]["schemas"]["Input"]["properties"]
        try:
            async with request.form() as form:
                given = {name: form[name] for name in properties if name in form}
                input = {name: await _typed(given[name], properties[name]) for name in given}
            input = {name: value for name, value in input.items() if value is not None}
            check(input, model.latest.inputs, "input")
        except (Problem, ValueError) as wrong:
            return await self.model(request, str(wrong))
        execution = self._service.runner.start(model, model.latest, input, origin(request), None)
        return RedirectResponse(f"/p/{execution.job.id}", 303)


async def _typed(value: Any, property: dict[str, Any]) -> Any:
    """Return what somebody filled in, as the schema wants it; None for nothing."""
    if isinstance(value, UploadFile):
        content = await value.read()
        kind = value.content_type or "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(content).decode()}" if content else None
    if value == "":
        return None
    kind = property.get("type", "string")
    return value if kind == "string" else json.loads(value)


def _with_choices(property: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    [part] = property.get("allOf", [{}])
    component = components.get(part.get("$ref", "").rpartition("/")[2], {})
    return {**property, "choices": component.get("enum")}


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else f"{text[:120]}… ({len(text)} characters)"


def _is_picture(url: str) -> bool:
    return url.startswith("data:image/") or (mimetypes.guess_type(urlsplit(url).path)[0] or "").startswith("image/")


def _are_texts(items: Any) -> bool:
    return all(isinstance(item, str) and not item.startswith(("http://", "https://", "data:")) for item in items)


def _file(name: str) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return FileResponse(HERE / name, headers=HEADERS)

    return endpoint
