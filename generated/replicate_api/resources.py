"""Every operation of the document as a method, grouped as in the document: the public path of each is its operationId.

What each does and takes is said in the document, and so in its docstring: `help(client.models.create)`. Lists are
iterated, page after page; where an operation takes an `input`, files may be in it.

This is the one module here that stands on the upper floor, `replicate_ext`, and makes the clients' methods for it.
"""

from __future__ import annotations

from replicate_ext._operations import Namespace, method_with_files, operation_method, paginated_method
from replicate_ext._send import BackendT, Session
from replicate_ext._webhooks_resource import WebhooksResource

from . import operations as op


class Account(Namespace[BackendT]):
    """`client.account`."""

    get = operation_method(op.ACCOUNT_GET)


class Collections(Namespace[BackendT]):
    """`client.collections`."""

    get = operation_method(op.COLLECTIONS_GET)
    list = paginated_method(op.COLLECTIONS_LIST)


class DeploymentsPredictions(Namespace[BackendT]):
    """`client.deployments.predictions`."""

    create = method_with_files(op.DEPLOYMENTS_PREDICTIONS_CREATE)


class Deployments(Namespace[BackendT]):
    """`client.deployments`."""

    create = operation_method(op.DEPLOYMENTS_CREATE)
    delete = operation_method(op.DEPLOYMENTS_DELETE)
    get = operation_method(op.DEPLOYMENTS_GET)
    list = paginated_method(op.DEPLOYMENTS_LIST)
    update = operation_method(op.DEPLOYMENTS_UPDATE)

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self.predictions = DeploymentsPredictions(session)


class Files(Namespace[BackendT]):
    """`client.files`."""

    create = operation_method(op.FILES_CREATE)
    delete = operation_method(op.FILES_DELETE)
    download = operation_method(op.FILES_DOWNLOAD)
    get = operation_method(op.FILES_GET)
    list = paginated_method(op.FILES_LIST)


class Hardware(Namespace[BackendT]):
    """`client.hardware`."""

    list = operation_method(op.HARDWARE_LIST)


class ModelsExamples(Namespace[BackendT]):
    """`client.models.examples`."""

    list = paginated_method(op.MODELS_EXAMPLES_LIST)


class ModelsPredictions(Namespace[BackendT]):
    """`client.models.predictions`."""

    create = method_with_files(op.MODELS_PREDICTIONS_CREATE)


class ModelsReadme(Namespace[BackendT]):
    """`client.models.readme`."""

    get = operation_method(op.MODELS_README_GET)


class ModelsVersions(Namespace[BackendT]):
    """`client.models.versions`."""

    delete = operation_method(op.MODELS_VERSIONS_DELETE)
    get = operation_method(op.MODELS_VERSIONS_GET)
    list = paginated_method(op.MODELS_VERSIONS_LIST)


class Models(Namespace[BackendT]):
    """`client.models`."""

    create = operation_method(op.MODELS_CREATE)
    delete = operation_method(op.MODELS_DELETE)
    get = operation_method(op.MODELS_GET)
    list = paginated_method(op.MODELS_LIST)
    search = paginated_method(op.MODELS_SEARCH)
    update = operation_method(op.MODELS_UPDATE)

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self.examples = ModelsExamples(session)
        self.predictions = ModelsPredictions(session)
        self.readme = ModelsReadme(session)
        self.versions = ModelsVersions(session)


class Predictions(Namespace[BackendT]):
    """`client.predictions`."""

    cancel = operation_method(op.PREDICTIONS_CANCEL)
    create = method_with_files(op.PREDICTIONS_CREATE)
    get = operation_method(op.PREDICTIONS_GET)
    list = paginated_method(op.PREDICTIONS_LIST)


class Trainings(Namespace[BackendT]):
    """`client.trainings`."""

    cancel = operation_method(op.TRAININGS_CANCEL)
    create = method_with_files(op.TRAININGS_CREATE)
    get = operation_method(op.TRAININGS_GET)
    list = paginated_method(op.TRAININGS_LIST)


class WebhooksDefaultSecret(Namespace[BackendT]):
    """`client.webhooks.default.secret`."""

    get = operation_method(op.WEBHOOKS_DEFAULT_SECRET_GET)


class WebhooksDefault(Namespace[BackendT]):
    """`client.webhooks.default`."""

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self.secret = WebhooksDefaultSecret(session)


class Webhooks(WebhooksResource[BackendT]):
    """`client.webhooks`."""

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self.default = WebhooksDefault(session)


class Operations(Namespace[BackendT]):
    """All operations, by the words of their ids."""

    search = operation_method(op.SEARCH)

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self.account = Account(session)
        self.collections = Collections(session)
        self.deployments = Deployments(session)
        self.files = Files(session)
        self.hardware = Hardware(session)
        self.models = Models(session)
        self.predictions = Predictions(session)
        self.trainings = Trainings(session)
        self.webhooks = Webhooks(session)
