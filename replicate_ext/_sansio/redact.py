"""What may be shown of a URL: paths of the API, but no query, and of other hosts nothing but the host.

Queries hold signatures and search terms; the path of an output file or a stream is its only key
(docs/api-facts.md, sections 9 and 10).
"""

from __future__ import annotations


def strip_query(url: str) -> str:
    """Return a path or URL without its query."""
    return url.partition("?")[0]


def redact(url: str) -> str:
    """Return what may be logged of a path of the API, or of a URL of any host."""
    host = url.partition("//")[2].partition("/")[0]
    return f"{host}/…" if host else strip_query(url)
