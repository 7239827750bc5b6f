from ..types import OpenEnum


class WebhookEvent(OpenEnum):
    """Name of an event."""

    START = "start"
    OUTPUT = "output"
    LOGS = "logs"
    COMPLETED = "completed"
