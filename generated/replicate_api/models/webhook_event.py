from ..types import OpenEnum


class WebhookEvent(OpenEnum):
    """An event of a webhook: `start`, `output` (each new output), `logs` (new log lines) or `completed` (a final status)."""

    START = "start"
    OUTPUT = "output"
    LOGS = "logs"
    COMPLETED = "completed"
