"""Make a new, empty model

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
    """Return the request, given the whole body. Other arguments as in `build`."""
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
    """Make a new, empty model

    Creates an empty model, to be filled by pushing a version or by a training. An account can have 1000
    models at most, so push versions to one model rather than creating many. Visibility and hardware cannot be
    changed through the API later.

    Args:
        hardware: SKU of the hardware that predictions run on, from hardware.list. A `Hardware` works too.
        name: Name of the model, unique within its owner.
        owner: Account that is to own the model; it must be the one that the token belongs to.
        visibility: `public` lets everybody see and run it, `private` only the owner or the owning
            organization's members.
        cover_image_url: Address of a picture that represents the model.
        description: Short text about what the model does.
        github_url: Where its source code is.
        license_url: Where its license is.
        paper_url: Where the paper about it is.
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
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Model", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: models.ModelsCreateRequest) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: models.ModelsCreateRequest) -> models.Model:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: models.ModelsCreateRequest) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: models.ModelsCreateRequest) -> models.Model:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, body=body)).result()
