"""Create a model.

The model is empty until a version is pushed or a training adds one. An account can have 1000 models at most, so push
versions to one model instead of creating many. Visibility and hardware cannot be changed through the API later.

POST /models
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("models_create_request", "ModelsCreateRequest")
_RESULT = types.Nested("model", "Model")


def request(*, body: models.ModelsCreateRequest) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request("POST", "/models", json=_BODY.dump(body, ""))


def build(
    *,
    hardware: str | models.Hardware,
    name: str,
    owner: str,
    visibility: models.ModelVisibility | Literal["public", "private"],
    cover_image_url: str | None = None,
    description: str | None = None,
    github_url: str | None = None,
    license_url: str | None = None,
    paper_url: str | None = None,
) -> types.Request:
    """Return the request of `models.create`.

    Args:
        hardware: SKU of the hardware that predictions run on, from `hardware.list`. A `Hardware` works too.
        name: Name of the model, unique within its owner.
        owner: Account that owns the model; it must be that of the token.
        visibility: Who can see and run it: everyone if `public`, the owner or the members of the owning organization if
            `private`.
        cover_image_url: URL of a picture that represents the model.
        description: Short text about what the model does.
        github_url: URL of its source code.
        license_url: URL of its license.
        paper_url: URL of the paper about it.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    fields = {
        "hardware": hardware,
        "name": name,
        "owner": owner,
        "visibility": visibility,
        "cover_image_url": cover_image_url,
        "description": description,
        "github_url": github_url,
        "license_url": license_url,
        "paper_url": paper_url,
    }
    body = cast("models.ModelsCreateRequest", _BODY.load(types.drop_omitted(fields)))
    return request(body=body)


def parse(response: httpx.Response) -> models.Model:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Model", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: models.ModelsCreateRequest) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: models.ModelsCreateRequest) -> models.Model:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: models.ModelsCreateRequest) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: models.ModelsCreateRequest) -> models.Model:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, body=body)).result()
