from ..types import OpenEnum


class PredictionsListSource(OpenEnum):
    """`web` for only those made on the web, of the past 14 days; by default all are listed."""

    WEB = "web"
