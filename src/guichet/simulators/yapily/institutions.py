"""The banks that the simulated provider reaches. Ids are Yapily's own where Yapily has them."""

from __future__ import annotations

from dataclasses import dataclass

_COUNTRIES = {
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "PT": "Portugal",
}

_FEATURES = (
    "INITIATE_DOMESTIC_SINGLE_PAYMENT",
    "CREATE_DOMESTIC_SINGLE_PAYMENT",
    "INITIATE_DOMESTIC_SINGLE_INSTANT_PAYMENT",
    "CREATE_DOMESTIC_SINGLE_INSTANT_PAYMENT",
    "EXISTING_PAYMENTS_DETAILS",
    "READ_DOMESTIC_SINGLE_REFUND",
)


@dataclass(frozen=True, slots=True)
class Bank:
    """A simulated bank. ``colour`` and ``accent`` are CSS colours with white text on ``colour``."""

    id: str
    name: str
    country: str
    colour: str
    accent: str
    instant: bool = True
    mock: bool = False

    @property
    def short_name(self) -> str:
        """The name on the bank's own pages: without the word that says it is a sandbox."""
        return self.name.removesuffix(" Sandbox")

    @property
    def features(self) -> list[str]:
        """Yapily's names for what the bank can do."""
        return [name for name in _FEATURES if self.instant or "INSTANT" not in name]

    def as_json(self, base_url: str) -> dict[str, object]:
        """The bank as Yapily's ``Institution``; ``base_url`` is where the simulator is served."""
        country = {"displayName": _COUNTRIES[self.country], "countryCode2": self.country}
        return {
            "id": self.id,
            "name": self.name,
            "fullName": self.name,
            "countries": [country],
            "environmentType": "MOCK" if self.mock else "SANDBOX",
            "credentialsType": "OPEN_BANKING_UK_AUTO" if self.country == "GB" else "OAUTH2",
            "media": [
                {"source": f"{base_url}/media/{self.id}/{kind}.svg", "type": kind}
                for kind in ("logo", "icon")
            ],
            "features": self.features,
        }


BANKS = {
    bank.id: bank
    for bank in (
        Bank("modelo-sandbox", "Modelo Sandbox", "GB", "#3b2a8c", "#ff8a3d"),
        Bank("cic-sandbox", "CIC Sandbox", "FR", "#0b5c72", "#f2b33d"),
        Bank("natwest-sandbox", "NatWest Sandbox", "GB", "#4a1760", "#e0457b"),
        Bank("lloyds-sandbox", "Lloyds Sandbox", "GB", "#0c4a33", "#8fce00"),
        Bank("halifax-sandbox", "Halifax Sandbox", "GB", "#00468b", "#45b4ff"),
        Bank("bankofscotland-sandbox", "Bank of Scotland Sandbox", "GB", "#10275c", "#5c8df0"),
        Bank("mbna-sandbox", "MBNA Sandbox", "GB", "#14344f", "#e7b400"),
        Bank("aibgb-sandbox", "AIB (GB) Sandbox", "GB", "#5f2350", "#ff9fb2", instant=False),
        Bank("mock-sandbox", "Mock Sandbox", "GB", "#2f3a4a", "#6fd3c0", mock=True),
        Bank("mock-sandbox-v1", "Mock Sandbox v1", "GB", "#454a52", "#b7c0cc", mock=True),
        Bank("santander-es-sandbox", "Santander Spain Sandbox", "ES", "#9e1419", "#ffb3a7"),
        Bank("bbva-sandbox", "BBVA Sandbox", "ES", "#0a3a7a", "#2dcccd"),
        Bank("millenniumbcp-sandbox", "Millennium bcp Sandbox", "PT", "#a0104f", "#ffa9cb"),
        Bank("deutschebank-sandbox", "Deutsche Bank Sandbox", "DE", "#0a1d6b", "#5fa8ff"),
    )
}
