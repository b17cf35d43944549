"""Neopay's API (contracts in docs/neopay.md): everything below ``/api``."""
