from ..types import OpenEnum


class PredictionsListSource(OpenEnum):
    """`web` gives those made on the web alone, of the past 14 days; without it both kinds are returned."""

    WEB = "web"
