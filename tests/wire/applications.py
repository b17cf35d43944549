"""Applications that tests call the API as."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

BASE_URL = "https://pay.example"


@dataclass(frozen=True)
class TestApplication:
    """An application and its secret token."""

    __test__ = False

    id: uuid.UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What its owner sends with every call."""
        return {"authorization": self.token, "x-app-key": str(self.id)}


MakeApplication = Callable[..., Awaitable[TestApplication]]
