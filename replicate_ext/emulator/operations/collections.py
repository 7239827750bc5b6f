"""Collections of models."""

from __future__ import annotations

from typing import Any

from ..problems import not_found
from .context import Context, handles

PAGE_SIZE = 25


@handles("collections.list")
async def list_(context: Context) -> Any:
    """List the collections."""
    collections = context.state.collections.values()
    links, results = context.paginate(collections, lambda collection: collection["slug"], PAGE_SIZE)
    return {**links, "results": [collection_summary(collection) for collection in results]}


@handles("collections.get")
async def get(context: Context, slug: str) -> Any:
    """Return a collection with its models."""
    collection = context.state.collections.get(slug)
    if collection is None:
        raise not_found()
    models = [context.state.models[ref] for ref in collection["models"] if ref in context.state.models]
    return {
        **collection_summary(collection),
        "full_description": collection["full_description"],
        "models": [model.to_json(context.origin) for model in models],
    }


def collection_summary(collection: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that lists show."""
    return {name: collection[name] for name in ("name", "slug", "description")}
