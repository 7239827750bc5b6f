"""Update the texts and links of a model.

The model must be your own; fields that are left out keep their value. Visibility and hardware cannot be changed.

PATCH /models/{model_owner}/{model_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("models_update_request", "ModelsUpdateRequest")
_RESULT = types.Nested("model", "Model")


def request(model_owner: str, model_name: str, *, body: models.ModelsUpdateRequest | None = None) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request(
        "PATCH",
        types.format_path(
            "/models/{model_owner}/{model_name}",
            model_owner=(types.STRING, model_owner),
            model_name=(types.STRING, model_name),
        ),
        json=_BODY.dump(body, "") if body is not None else types.UNSET,
    )


def build(
    model_owner: str | models.Model,
    model_name: str | None = None,
    *,
    description: str | None = None,
    github_url: str | None = None,
    license_url: str | None = None,
    paper_url: str | None = None,
    readme: str | None = None,
    weights_url: str | None = None,
) -> types.Request:
    """Return the request of `models.update`.

    Args:
        model_owner: User or organization that the model belongs to. Or `"owner/name"`, or a `Model`, without
            `model_name`.
        model_name: Name of the model, without its owner.
        description: Short text about what the model does.
        github_url: URL of its source code.
        license_url: URL of its license.
        paper_url: URL of the paper about it.
        readme: Long text in Markdown, shown on the model's page.
        weights_url: URL of its weights.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    fields = {
        "description": description,
        "github_url": github_url,
        "license_url": license_url,
        "paper_url": paper_url,
        "readme": readme,
        "weights_url": weights_url,
    }
    body = cast("models.ModelsUpdateRequest", _BODY.load(types.drop_omitted(fields)))
    path = types.split_owner_and_name(0, ["Model"], model_owner=model_owner, model_name=model_name)
    return request(*path, body=body)


def parse(response: httpx.Response) -> models.Model:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Model", types.load_response(_RESULT, response))


def sync_detailed(
    model_owner: str, model_name: str, *, client: Sender, body: models.ModelsUpdateRequest | None = None
) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(model_owner, model_name, body=body), lambda response: types.to_response(response, parse))


def sync(
    model_owner: str, model_name: str, *, client: Sender, body: models.ModelsUpdateRequest | None = None
) -> models.Model:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(model_owner, model_name, client=client, body=body).result()


async def asyncio_detailed(
    model_owner: str, model_name: str, *, client: AsyncSender, body: models.ModelsUpdateRequest | None = None
) -> types.Response[models.Model]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(model_owner, model_name, body=body), lambda response: types.to_response(response, parse)
    )


async def asyncio(
    model_owner: str, model_name: str, *, client: AsyncSender, body: models.ModelsUpdateRequest | None = None
) -> models.Model:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(model_owner, model_name, client=client, body=body)).result()
