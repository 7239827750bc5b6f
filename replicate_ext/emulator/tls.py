"""Throw-away certificates for HTTPS: some clients accept only https URLs for files."""

from __future__ import annotations

from pathlib import Path


def create_certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """Create a CA and a server certificate for this machine.

    Returns:
        Two PEM files: the CA certificate, which clients must trust, and the server certificate with its private key.
    """
    try:
        import trustme
    except ImportError as error:
        raise ImportError("https=True needs trustme; install it with `pip install trustme`") from error
    ca = trustme.CA(organization_name="Replicate emulator")
    certificate = ca.issue_cert("localhost", "127.0.0.1", *({host} - {"localhost", "127.0.0.1", "0.0.0.0", "::"}))
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(server_file))
    return ca_file, server_file
