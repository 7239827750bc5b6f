from ..types import OpenEnum


class TrainingStatus(OpenEnum):
    """The state: `starting` until the training begins, `processing` while it runs, then `succeeded`, `failed`, `canceled`
    (stopped by a request, or by its deadline while it ran) or `aborted` (stopped by its deadline before it ran).
    """

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    ABORTED = "aborted"
