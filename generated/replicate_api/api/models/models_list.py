"""Page through public models

GET /models
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_models", "PageOfModels")


def request(
    *,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        "/models",
        params=types.dump_params(
            sort_by=("sort_by", types.EnumOf("models_list_sort_by", "ModelsListSortBy"), sort_by),
            sort_direction=(
                "sort_direction",
                types.EnumOf("models_list_sort_direction", "ModelsListSortDirection"),
                sort_direction,
            ),
        ),
    )


def build(
    *,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Request:
    """Page through public models

    Returns one page of public models, 25 at a time, newest version first unless sorted otherwise. Only models
    with at least one version and one example are listed.

    Args:
        sort_by: Which date to sort on: that of the model itself, or that of its latest version (the
            default).
        sort_direction: `desc` for newest first (the default), `asc` for oldest first.
    """
    return request(sort_by=sort_by, sort_direction=sort_direction)


def parse(response: httpx.Response) -> models.PageOfModels:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfModels", types.load_response(_RESULT, response))


def sync_detailed(
    *,
    client: Sender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(
        request(sort_by=sort_by, sort_direction=sort_direction), lambda response: types.to_response(response, parse)
    )


def sync(
    *,
    client: Sender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> models.PageOfModels:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, sort_by=sort_by, sort_direction=sort_direction).result()


async def asyncio_detailed(
    *,
    client: AsyncSender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(sort_by=sort_by, sort_direction=sort_direction), lambda response: types.to_response(response, parse)
    )


async def asyncio(
    *,
    client: AsyncSender,
    sort_by: models.ModelsListSortBy | Literal["model_created_at", "latest_version_created_at"] | None = None,
    sort_direction: models.ModelsListSortDirection | Literal["asc", "desc"] | None = None,
) -> models.PageOfModels:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, sort_by=sort_by, sort_direction=sort_direction)).result()
