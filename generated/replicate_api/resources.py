"""Every operation of the document as a method, grouped as in the document: the public path of each is its operationId.

What each does and takes is said in the document, and so in its docstring: `help(client.models.create)`. Lists are
iterated, page after page; where an operation takes an `input`, files may be in it.

This is the one module here that stands on the upper floor, `replicate_ext`, and makes the clients' methods for it.
"""

from __future__ import annotations

from replicate_ext._dual import Namespace, W, plain
from replicate_ext._files.inputs import creating
from replicate_ext._pagination import listed
from replicate_ext._webhooks_resource import Verifying

from . import operations as op


class Account(Namespace[W]):
    """`client.account`."""

    get = plain(op.ACCOUNT_GET)


class Collections(Namespace[W]):
    """`client.collections`."""

    get = plain(op.COLLECTIONS_GET)
    list = listed(op.COLLECTIONS_LIST)


class DeploymentsPredictions(Namespace[W]):
    """`client.deployments.predictions`."""

    create = creating(op.DEPLOYMENTS_PREDICTIONS_CREATE)


class Deployments(Namespace[W]):
    """`client.deployments`."""

    create = plain(op.DEPLOYMENTS_CREATE)
    delete = plain(op.DEPLOYMENTS_DELETE)
    get = plain(op.DEPLOYMENTS_GET)
    list = listed(op.DEPLOYMENTS_LIST)
    update = plain(op.DEPLOYMENTS_UPDATE)

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.predictions = DeploymentsPredictions(wire)


class Files(Namespace[W]):
    """`client.files`."""

    create = plain(op.FILES_CREATE)
    delete = plain(op.FILES_DELETE)
    download = plain(op.FILES_DOWNLOAD)
    get = plain(op.FILES_GET)
    list = listed(op.FILES_LIST)


class Hardware(Namespace[W]):
    """`client.hardware`."""

    list = plain(op.HARDWARE_LIST)


class ModelsExamples(Namespace[W]):
    """`client.models.examples`."""

    list = listed(op.MODELS_EXAMPLES_LIST)


class ModelsPredictions(Namespace[W]):
    """`client.models.predictions`."""

    create = creating(op.MODELS_PREDICTIONS_CREATE)


class ModelsReadme(Namespace[W]):
    """`client.models.readme`."""

    get = plain(op.MODELS_README_GET)


class ModelsVersions(Namespace[W]):
    """`client.models.versions`."""

    delete = plain(op.MODELS_VERSIONS_DELETE)
    get = plain(op.MODELS_VERSIONS_GET)
    list = listed(op.MODELS_VERSIONS_LIST)


class Models(Namespace[W]):
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


class Predictions(Namespace[W]):
    """`client.predictions`."""

    cancel = plain(op.PREDICTIONS_CANCEL)
    create = creating(op.PREDICTIONS_CREATE)
    get = plain(op.PREDICTIONS_GET)
    list = listed(op.PREDICTIONS_LIST)


class Trainings(Namespace[W]):
    """`client.trainings`."""

    cancel = plain(op.TRAININGS_CANCEL)
    create = creating(op.TRAININGS_CREATE)
    get = plain(op.TRAININGS_GET)
    list = listed(op.TRAININGS_LIST)


class WebhooksDefaultSecret(Namespace[W]):
    """`client.webhooks.default.secret`."""

    get = plain(op.WEBHOOKS_DEFAULT_SECRET_GET)


class WebhooksDefault(Namespace[W]):
    """`client.webhooks.default`."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.secret = WebhooksDefaultSecret(wire)


class Webhooks(Verifying[W]):
    """`client.webhooks`."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.default = WebhooksDefault(wire)


class Operations(Namespace[W]):
    """All operations, by the words of their ids."""

    search = plain(op.SEARCH)

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self.account = Account(wire)
        self.collections = Collections(wire)
        self.deployments = Deployments(wire)
        self.files = Files(wire)
        self.hardware = Hardware(wire)
        self.models = Models(wire)
        self.predictions = Predictions(wire)
        self.trainings = Trainings(wire)
        self.webhooks = Webhooks(wire)
