"""Guichet: a self-hosted payment gateway that speaks real payment APIs over one core."""

__version__ = "0.1.0"
