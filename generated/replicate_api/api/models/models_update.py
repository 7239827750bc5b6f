"""Change a model's texts and links

PATCH /models/{model_owner}/{model_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.model import Model
    from ...models.models_update_request import ModelsUpdateRequest

_BODY = types.Nested("models_update_request", "ModelsUpdateRequest")
_RESULT = types.Nested("model", "Model")


def request(model_owner: str, model_name: str, *, body: ModelsUpdateRequest | None = None) -> types.Request:
    """Write the call, with its body as one object. Arguments as in `build`."""
    return types.Request(
        "PATCH",
        types.path(
            "/models/{model_owner}/{model_name}",
            model_owner=(types.TEXT, model_owner),
            model_name=(types.TEXT, model_name),
        ),
        json=_BODY.write(body, "") if body is not None else types.UNSET,
    )


def build(
    model_owner: str,
    model_name: str,
    *,
    description: str | None = None,
    github_url: str | None = None,
    license_url: str | None = None,
    paper_url: str | None = None,
    readme: str | None = None,
    weights_url: str | None = None,
) -> types.Request:
    """Change a model's texts and links

    Changes how a model of one's own is presented; fields left out keep their value. Visibility and hardware
    cannot be changed this way.

    Args:
        model_owner: User or organization that the model belongs to.
        model_name: Name of the model, without its owner.
        description: Short text about what the model does.
        github_url: Where its source code is.
        license_url: Where its license is.
        paper_url: Where the paper about it is.
        readme: Long text in Markdown, shown on the model's page.
        weights_url: Where its weights are.
    """
    fields = {
        "description": description,
        "github_url": github_url,
        "license_url": license_url,
        "paper_url": paper_url,
        "readme": readme,
        "weights_url": weights_url,
    }
    body = cast("ModelsUpdateRequest", _BODY.read({name: value for name, value in fields.items() if value is not None}))
    return request(model_owner, model_name, body=body)


def parse(response: httpx.Response) -> Model:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("Model", types.read(_RESULT, response))


def sync_detailed(
    model_owner: str, model_name: str, *, client: Sender, body: ModelsUpdateRequest | None = None
) -> types.Response[Model]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(model_owner, model_name, body=body)), parse)


def sync(model_owner: str, model_name: str, *, client: Sender, body: ModelsUpdateRequest | None = None) -> Model:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(model_owner, model_name, client=client, body=body).result()


async def asyncio_detailed(
    model_owner: str, model_name: str, *, client: AsyncSender, body: ModelsUpdateRequest | None = None
) -> types.Response[Model]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(model_owner, model_name, body=body)), parse)


async def asyncio(
    model_owner: str, model_name: str, *, client: AsyncSender, body: ModelsUpdateRequest | None = None
) -> Model:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(model_owner, model_name, client=client, body=body)
    return answer.result()
