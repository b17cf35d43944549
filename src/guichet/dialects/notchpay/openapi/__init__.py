"""Notch Pay's API as an OpenAPI document (contracts of section 2 to 14)."""

from guichet.dialects.notchpay.openapi.dialect import NOTCHPAY

__all__ = ["NOTCHPAY"]
