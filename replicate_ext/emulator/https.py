"""HTTPS with a throw-away certificate: some clients take only https addresses for files."""

from __future__ import annotations

from pathlib import Path


def certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """Make an authority and a certificate for this machine.

    Returns:
        The authority, which clients have to trust, and the certificate with its key, both as PEM files.
    """
    try:
        import trustme
    except ImportError as missing:
        raise ImportError("https needs trustme: pip install trustme") from missing
    authority = trustme.CA(organization_name="Replicate emulator")
    certificate = authority.issue_cert(
        "localhost", "127.0.0.1", *({host} - {"localhost", "127.0.0.1", "0.0.0.0", "::"})
    )
    trusted, own = folder / "authority.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(trusted))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(own))
    return trusted, own
