"""The OpenAPI documents of the APIs that this server speaks, for its pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from guichet.dialects.neopay.openapi import NEOPAY
from guichet.dialects.notchpay.openapi import NOTCHPAY
from guichet.dialects.openapi.documents import Dialect, document, encoded
from guichet.pages.api_pages import MakeDocument


def api_documents(base_url: str) -> dict[str, MakeDocument]:
    """Their makers by name; ``base_url`` is where clients reach the server."""
    return {
        "neopay": cache(partial(_made, NEOPAY, base_url)),
        "notchpay": cache(partial(_made, NOTCHPAY, base_url)),
    }


def _made(dialect: Dialect, base_url: str) -> tuple[Mapping[str, Any], bytes]:
    made = document(dialect, base_url)
    return made, encoded(made)
