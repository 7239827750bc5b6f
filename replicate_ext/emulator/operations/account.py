"""Whose account this is, and what the whole platform offers: hardware, collections, search."""

from __future__ import annotations

from typing import Any

from ..problems import not_found
from ..state import model_view
from . import Call, answers, reply
from .models import PAGE, matches, shown

_HARDWARE = {
    "cpu": "CPU",
    "gpu-t4": "Nvidia T4 GPU",
    "gpu-l40s": "Nvidia L40S GPU",
    "gpu-h100": "Nvidia H100 GPU",
}


@answers("account.get")
async def get(call: Call) -> Any:
    """Describe the account of the token."""
    return {"type": "user", "username": call.state.username, "name": "Acme, Inc."}


@answers("hardware.list")
async def hardware(call: Call) -> Any:
    """List what models can run on."""
    return [{"sku": sku, "name": name} for sku, name in _HARDWARE.items()]


def hardware_skus() -> list[str]:
    """Return the names that other operations take."""
    return list(_HARDWARE)


@answers("collections.list")
async def collections(call: Call) -> Any:
    """List the collections."""
    links, found = call.page(call.state.collections.values(), lambda collection: collection["slug"], PAGE)
    return {**links, "results": [_brief(collection) for collection in found]}


@answers("collections.get")
async def collection(call: Call, slug: str) -> Any:
    """Show a collection with its models."""
    found = call.state.collections.get(slug)
    if found is None:
        raise not_found()
    models = [call.state.models[ref] for ref in found["models"] if ref in call.state.models]
    views = [model_view(model, call.origin, None) for model in models]
    return {**_brief(found), "full_description": found["full_description"], "models": views}


def _brief(collection: dict[str, Any]) -> dict[str, Any]:
    return {name: collection[name] for name in ("name", "slug", "description")}


@answers("search")
async def search(call: Call) -> Any:
    """Search models and collections by text; needs no token."""
    text = call.query.get("query", "").strip()
    limit = call.query.get("limit", "20")
    if not text:
        return reply({"detail": 'Query parameter "query" is required'}, 400)
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:3]) <= 50):
        return reply({"detail": 'Query parameter "limit" must be a number from 1 to 50'}, 400)
    found = [model for model in shown(call) if matches(model, text)][: int(limit)]
    words = text.lower()
    return {
        "query": text,
        "models": [
            {"model": model_view(model, call.origin, None), "metadata": {"tags": [model.owner], "score": 1.0}}
            for model in found
        ],
        "collections": [
            {**_brief(collection), "models": collection["models"]}
            for collection in call.state.collections.values()
            if words in f"{collection['name']} {collection['description']}".lower()
        ],
        "pages": [{"name": "Emulator", "href": call.origin}] if words in "emulator" else [],
    }


@answers("webhooks.default.secret.get")
async def secret(call: Call) -> Any:
    """Show the secret with which deliveries are signed."""
    return {"key": call.state.webhook_secret}
