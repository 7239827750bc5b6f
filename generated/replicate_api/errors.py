"""The errors of the generated floor."""

from __future__ import annotations


class UnexpectedStatus(Exception):
    """The server answered with a status that is not a success; `content` is the body."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"status {status_code}: {content.decode(errors='replace')[:500]}")

    def __reduce__(self) -> tuple[type[UnexpectedStatus], tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


class MissingOperation(NotImplementedError):
    """The document that this package was generated from does not have an operation that is needed."""

    def __init__(self, operation_id: str) -> None:
        self.operation_id = operation_id
        super().__init__(f"there is no operation {operation_id} in the document that this client was generated from")

    def __reduce__(self) -> tuple[type[MissingOperation], tuple[str]]:
        return type(self), (self.operation_id,)
