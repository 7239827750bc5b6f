"""The API token of the command line: of the environment, else the one that `replicate-ext login` has stored.

A stored token belongs to one server, and is sent to no other. It is in a keyring where one works, else in a file that
only its owner can read.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

SERVICE = "replicate-ext"
"""The service under which a keyring has the token; the user name is the base URL."""

VARIABLE = "REPLICATE_API_TOKEN"
KEYRING = "keyring"
TOKENS_PAGE = "your tokens are at https://replicate.com/account/api-tokens"


class Credential(NamedTuple):
    """A token, and where it comes from: the environment variable, the keyring, or the path of the file."""

    token: str
    source: str

    def __repr__(self) -> str:
        return f"<Credential from {self.source}>"


def require_token(base_url: str | None) -> str:
    """Return the token for a server.

    Raises:
        AuthenticationError: There is none.
    """
    return require_credential(base_url).token


def require_credential(base_url: str | None) -> Credential:
    """Return the token for a server, and where it comes from.

    Raises:
        AuthenticationError: There is none.
    """
    from ..errors import AuthenticationError

    if token := os.environ.get(VARIABLE):
        return Credential(token, VARIABLE)
    if credential := _find(server_of(base_url)):
        return credential
    raise AuthenticationError(
        401,
        "Unauthenticated",
        f"there is no API token: set the environment variable {VARIABLE}, or run `replicate-ext login`; {TOKENS_PAGE}",
    )


def server_of(base_url: str | None) -> str:
    """Return the base URL that a client with this argument uses."""
    from .._sansio.base_url import DEFAULT_BASE_URL, check_base_url

    url = base_url or os.environ.get("REPLICATE_BASE_URL")
    return check_base_url(url) if url else DEFAULT_BASE_URL


def store_token(server: str, token: str) -> str:
    """Store a token for a server, in place of an earlier one, and return where."""
    tokens = _read_file()
    if _write_keyring(server, token):
        if tokens.pop(server, None):
            _write_file(tokens)
        return KEYRING
    _write_file({**tokens, server: token})
    return str(token_file())


def delete_token(server: str) -> list[str]:
    """Delete the stored token for a server, and return where it was."""
    places = []
    if _read_keyring(server) is not None:
        _delete_from_keyring(server)
        places.append(KEYRING)
    tokens = _read_file()
    if tokens.pop(server, None):
        _write_file(tokens)
        places.append(str(token_file()))
    return places


def _find(server: str) -> Credential | None:
    if token := _read_keyring(server):
        return Credential(token, KEYRING)
    token = _read_file().get(server)
    return Credential(token, str(token_file())) if isinstance(token, str) else None


def _read_keyring(server: str) -> str | None:
    if not find_spec("keyring"):
        return None
    keyring = import_module("keyring")
    try:
        token: str | None = keyring.get_password(SERVICE, server)
    except keyring.errors.KeyringError:  # no backend, or it is locked: the token may be in the file
        return None
    return token


def _write_keyring(server: str, token: str) -> bool:
    """Return whether a keyring has the token now."""
    if not find_spec("keyring"):
        return False
    keyring = import_module("keyring")
    try:
        keyring.set_password(SERVICE, server, token)
    except keyring.errors.KeyringError:
        return False
    return _read_keyring(server) == token  # the backend `null` accepts everything, and keeps nothing


def _delete_from_keyring(server: str) -> None:
    keyring = import_module("keyring")
    try:
        keyring.delete_password(SERVICE, server)
    except keyring.errors.KeyringError as error:
        raise OSError(f"the keyring did not delete the token ({error}): delete {SERVICE!r} there") from error


def _read_file() -> dict[str, Any]:
    try:
        tokens = json.loads(token_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        tokens = None
    if not isinstance(tokens, dict):
        raise ValueError(f"{token_file()} is not a JSON object: delete it, and run `replicate-ext login` again")
    return tokens


def _write_file(tokens: dict[str, Any]) -> None:
    """Replace the file; nobody else can read it at any moment, and a crash leaves the old one or the new one."""
    path = token_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            json.dump(tokens, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def token_file() -> Path:
    """Return the file with the tokens of servers.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    root = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(root) if os.path.isabs(root) else Path.home() / ".config"
    return folder / "replicate-ext" / "credentials.json"
