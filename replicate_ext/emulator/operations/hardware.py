"""Hardware that models can run on."""

from __future__ import annotations

from typing import Any

from .context import Context, handles

HARDWARE = {
    "cpu": "CPU",
    "gpu-t4": "Nvidia T4 GPU",
    "gpu-l40s": "Nvidia L40S GPU",
    "gpu-h100": "Nvidia H100 GPU",
}
"""SKU → name."""


@handles("hardware.list")
async def list_(context: Context) -> Any:
    """List the hardware; not paginated."""
    return [{"sku": sku, "name": name} for sku, name in HARDWARE.items()]
