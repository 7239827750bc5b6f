"""Whose account this is, and what the whole platform offers."""

from __future__ import annotations

from typing import Any

from . import Call, answers


@answers("account.get")
async def get(call: Call) -> Any:
    """Describe the account of the token."""
    return {
        "type": "user",
        "username": call.state.username,
        "name": "Acme, Inc.",
        "github_url": None,
        "avatar_url": None,
    }


@answers("hardware.list")
async def hardware(call: Call) -> Any:
    """List what models can run on."""
    return [
        {"sku": "cpu", "name": "CPU"},
        {"sku": "gpu-t4", "name": "Nvidia T4 GPU"},
        {"sku": "gpu-l40s", "name": "Nvidia L40S GPU"},
        {"sku": "gpu-h100", "name": "Nvidia H100 GPU"},
    ]
