"""Neopay's API as an OpenAPI document (contracts of section 1 to 9)."""

from guichet.dialects.neopay.openapi.dialect import NEOPAY

__all__ = ["NEOPAY"]
