"""Media types: by the name of a file, else by its first bytes; and the suffix that belongs to each."""

from __future__ import annotations

import mimetypes

HEAD_SIZE = 16
"""Bytes from which `sniff` recognizes a file."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"II*\0", 0, "image/tiff"),
    (b"MM\0*", 0, "image/tiff"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftyphei", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heic"),
    (b"ftypM4A", 4, "audio/mp4"),
    (b"ftypqt", 4, "video/quicktime"),
    (b"ftyp", 4, "video/mp4"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3", 0, "audio/mpeg"),
    (b"OggS", 0, "audio/ogg"),
    (b"fLaC", 0, "audio/flac"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"\x1f\x8b\x08", 0, "application/gzip"),
)
"""Bytes, offset, media type: https://mimesniff.spec.whatwg.org/, https://mp4ra.org/registered-types/brands"""

_SUFFIXES = {
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/webp": ".webp",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "video/webm": ".webm",
    "application/gzip": ".gz",
}
"""Those that `mimetypes` knows on some machines only."""

_MEDIA_TYPES = {suffix: media_type for media_type, suffix in _SUFFIXES.items() if suffix != ".gz"}


def guess(name: str) -> str | None:
    """Return the media type for the suffix of a name; None for `.tar.gz`, whose content is neither tar nor known."""
    media_type, encoding = mimetypes.guess_type(name, strict=False)
    return None if encoding else media_type or _MEDIA_TYPES.get(name[name.rfind(".") :].lower())


def suffix(media_type: str | None) -> str:
    """Return the suffix for a media type, with its dot, or an empty string."""
    if media_type is None:
        return ""
    return _SUFFIXES.get(media_type) or mimetypes.guess_extension(media_type, strict=False) or ""


def sniff(head: bytes) -> str | None:
    """Return the media type of a file by its first `HEAD_SIZE` bytes: models choose a decoder by it."""
    return next((media_type for magic, offset, media_type in _SIGNATURES if head[offset:].startswith(magic)), None)
