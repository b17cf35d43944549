"""Notch Pay merchants that tests call the API as."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Shop:
    """An application and its keys."""

    id: uuid.UUID
    public_key: str
    private_key: str


MakeShop = Callable[..., Awaitable[Shop]]
