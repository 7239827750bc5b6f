"""The plain operations, grouped as in the document: the public path of each is its operationId.

What each does and takes is said in the document, and so in its docstring: `help(client.models.create)`. Where one
takes an `input`, files may be in it, as for `run`.
"""

from __future__ import annotations

from collections.abc import Mapping

from replicate_api.models import Prediction, Training

from . import operations as op
from . import webhooks
from ._bridge import Resource, W, both, plain
from ._exchange import send
from .inputs import creating
from .pagination import listed


class Account(Resource[W]):
    """`client.account`."""

    get = plain(op.ACCOUNT_GET)


class Collections(Resource[W]):
    """`client.collections`."""

    get = plain(op.COLLECTIONS_GET)
    list = listed(op.COLLECTIONS_LIST)


class DeploymentsPredictions(Resource[W]):
    """`client.deployments.predictions`."""

    create = creating(op.DEPLOYMENTS_PREDICTIONS_CREATE)


class Deployments(Resource[W]):
    """`client.deployments`."""

    create = plain(op.DEPLOYMENTS_CREATE)
    delete = plain(op.DEPLOYMENTS_DELETE)
    get = plain(op.DEPLOYMENTS_GET)
    list = listed(op.DEPLOYMENTS_LIST)
    update = plain(op.DEPLOYMENTS_UPDATE)

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.predictions = DeploymentsPredictions(wire)


class Files(Resource[W]):
    """`client.files`."""

    create = plain(op.FILES_CREATE)
    delete = plain(op.FILES_DELETE)
    download = plain(op.FILES_DOWNLOAD)
    get = plain(op.FILES_GET)
    list = listed(op.FILES_LIST)


class Hardware(Resource[W]):
    """`client.hardware`."""

    list = plain(op.HARDWARE_LIST)


class ModelsExamples(Resource[W]):
    """`client.models.examples`."""

    list = listed(op.MODELS_EXAMPLES_LIST)


class ModelsPredictions(Resource[W]):
    """`client.models.predictions`."""

    create = creating(op.MODELS_PREDICTIONS_CREATE)


class ModelsReadme(Resource[W]):
    """`client.models.readme`."""

    get = plain(op.MODELS_README_GET)


class ModelsVersions(Resource[W]):
    """`client.models.versions`."""

    delete = plain(op.MODELS_VERSIONS_DELETE)
    get = plain(op.MODELS_VERSIONS_GET)
    list = listed(op.MODELS_VERSIONS_LIST)


class Models(Resource[W]):
    """`client.models`."""

    create = plain(op.MODELS_CREATE)
    delete = plain(op.MODELS_DELETE)
    get = plain(op.MODELS_GET)
    list = listed(op.MODELS_LIST)
    search = listed(op.MODELS_SEARCH)
    update = plain(op.MODELS_UPDATE)

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.examples = ModelsExamples(wire)
        self.predictions = ModelsPredictions(wire)
        self.readme = ModelsReadme(wire)
        self.versions = ModelsVersions(wire)


class Predictions(Resource[W]):
    """`client.predictions`."""

    cancel = plain(op.PREDICTIONS_CANCEL)
    create = creating(op.PREDICTIONS_CREATE)
    get = plain(op.PREDICTIONS_GET)
    list = listed(op.PREDICTIONS_LIST)


class Trainings(Resource[W]):
    """`client.trainings`."""

    cancel = plain(op.TRAININGS_CANCEL)
    create = creating(op.TRAININGS_CREATE)
    get = plain(op.TRAININGS_GET)
    list = listed(op.TRAININGS_LIST)


class WebhooksDefaultSecret(Resource[W]):
    """`client.webhooks.default.secret`."""

    get = plain(op.WEBHOOKS_DEFAULT_SECRET_GET)


class WebhooksDefault(Resource[W]):
    """`client.webhooks.default`."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.secret = WebhooksDefaultSecret(wire)


class Webhooks(Resource[W]):
    """`client.webhooks`."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.default = WebhooksDefault(wire)
        self._secret: str | None = None

    @both
    async def verify(
        self,
        body: bytes | str,
        headers: Mapping[str, str],
        *,
        tolerance: float | None = webhooks.TOLERANCE,
    ) -> Prediction | Training:
        """Return the prediction or training of a genuine delivery, checked with the secret of the account.

        The secret is fetched once; the arguments and errors are those of `replicate_ext.webhooks.verify`.
        """
        if self._secret is None:
            self._secret = str((await send(self._wire, op.WEBHOOKS_DEFAULT_SECRET_GET())).key)
        return webhooks.verify(body, headers, self._secret, tolerance)
