"""The emulator as an ASGI application: routes from the OpenAPI document, the dashboard, and error handlers."""

from __future__ import annotations

import itertools
import re
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from . import dashboard, spec
from .operations import HANDLERS
from .problems import Problem, not_found
from .service import Endpoint, Service


def create_app(service: Service) -> Starlette:
    """Return the application that serves one emulator."""
    api_routes = [Route("/streams/{secret}", service.wrap(service.stream))]
    endpoints: dict[str, dict[str, Endpoint]] = {}
    for operation in spec.operations():
        endpoint = service.wrap(service.operation_endpoint(operation, HANDLERS.get(operation.id)), operation.id)
        endpoints.setdefault(operation.path, {})[operation.method] = endpoint
    for path, by_method in sorted(endpoints.items(), key=_concrete_first):
        api_routes.append(Route(_number_parameters(path), _dispatch(by_method), methods=list(by_method)))
    routes = [
        Mount("/v1", routes=api_routes),  # takes everything below /v1, so that no path there reaches the dashboard
        Route("/openapi.json", service.openapi_document),
        Route("/outputs/{secret}/{name}", service.wrap(service.output_file), methods=["GET", "HEAD"]),
        *dashboard.routes(service),
    ]
    exception_handlers: Any = {HTTPException: _handle_http_exception, Exception: _handle_exception}
    app = Starlette(routes=routes, exception_handlers=exception_handlers)
    app.router.redirect_slashes = False  # otherwise `/v1` would redirect to `/v1/` instead of being not found
    return app


def _concrete_first(item: tuple[str, Any]) -> list[bool]:
    """Return a sort key: `/files/recent` is matched before `/files/{id}` (https://spec.openapis.org/oas/v3.1.1)."""
    return ["{" in segment for segment in item[0].split("/")]


def _number_parameters(path: str) -> str:
    """Return a path whose parameters are called `p1`, `p2`: Starlette matches no other names than identifiers."""
    numbers = itertools.count(1)
    return re.sub(r"{[^}]*}", lambda _: f"{{p{next(numbers)}}}", path)


def _dispatch(by_method: dict[str, Endpoint]) -> Endpoint:
    """Return one endpoint for all methods of a path, so that the `Allow` header of a 405 lists all of them."""

    async def endpoint(request: Request) -> Response:
        handler = by_method.get(request.method) or by_method["GET"]  # Starlette adds HEAD where there is GET
        return await handler(request)

    return endpoint


async def _handle_http_exception(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return not_found().response()
    detail = f'Method "{request.method}" not allowed.' if error.status_code == 405 else str(error.detail)
    response = Problem(error.status_code, detail).response()
    response.headers.update(error.headers or {})
    return response


async def _handle_exception(request: Request, error: Exception) -> Response:
    """Report a bug in the emulator as a problem document; its traceback goes to standard error."""
    return Problem(500, f"The emulator failed: {error!r}").response()
