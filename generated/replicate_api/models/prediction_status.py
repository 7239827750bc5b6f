from ..types import OpenEnum


class PredictionStatus(OpenEnum):
    """Where the run stands: `starting`, `processing`, or one of the final ones; `canceled` is a stop on request
    or by deadline after the start, `aborted` a stop before it."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    ABORTED = "aborted"
