"""Search across models, collections and pages."""

from __future__ import annotations

from typing import Any

from ..http import json_response
from .collections import collection_summary
from .context import Context, handles
from .models import matches, public_models

MAX_LIMIT = 50


@handles("search")
async def search(context: Context) -> Any:
    """Search models and collections; requires no token."""
    text = context.query.get("query", "").strip()
    limit = context.query.get("limit", "20")
    if not text:
        return json_response({"detail": 'Query parameter "query" is required'}, 400)
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:3]) <= MAX_LIMIT):
        return json_response({"detail": f'Query parameter "limit" must be a number from 1 to {MAX_LIMIT}'}, 400)
    models = [model for model in public_models(context) if matches(model, text)][: int(limit)]
    words = text.lower()
    return {
        "query": text,
        "models": [
            {"model": model.to_json(context.origin), "metadata": {"tags": [model.owner], "score": 1.0}}
            for model in models
        ],
        "collections": [
            {**collection_summary(collection), "models": collection["models"]}
            for collection in context.state.collections.values()
            if words in f"{collection['name']} {collection['description']}".lower()
        ],
        "pages": [{"name": "Emulator", "href": context.origin}] if words in "emulator" else [],
    }
