"""The exceptions of the generated package."""

from __future__ import annotations


class UnexpectedStatus(Exception):
    """The response has a status that is not 2xx; `content` is its body."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"status {status_code}: {content.decode(errors='replace')[:500]}")

    def __reduce__(self) -> tuple[type[UnexpectedStatus], tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


class MissingOperation(NotImplementedError):
    """The OpenAPI document that this package was generated from lacks an operation that the caller needs."""

    def __init__(self, operation_id: str) -> None:
        self.operation_id = operation_id
        super().__init__(f"the OpenAPI document that this client was generated from has no operation {operation_id}")

    def __reduce__(self) -> tuple[type[MissingOperation], tuple[str]]:
        return type(self), (self.operation_id,)
