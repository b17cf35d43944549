"""Banks a payer can pay from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Institution:
    """A bank as a rail offers it.

    ``id`` is our own stable number, ``code`` the provider's id (``modelo-sandbox``).
    ``countries`` are ISO 3166-1 alpha-2 codes; ``environment`` is ``sandbox`` or ``live``.
    """

    id: int
    rail: str
    code: str
    name: str
    environment: str
    countries: tuple[str, ...]
    logo_url: str | None
    icon_url: str | None
    instant_payments: bool
    bulk_payments: bool

    @property
    def country(self) -> str | None:
        """The bank's (first) country."""
        return self.countries[0] if self.countries else None
