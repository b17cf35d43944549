"""Documents written from the code, so that they cannot disagree with it."""

from __future__ import annotations

from dataclasses import fields

from guichet.domain.attempts import ATTEMPT
from guichet.domain.deliveries import DELIVERY
from guichet.domain.lifecycle import Lifecycle
from guichet.domain.links import LINK
from guichet.domain.payments import PAYMENT
from guichet.domain.refunds import REFUND
from guichet.domain.transfers import TRANSFER
from guichet.settings import Settings

_LIFECYCLES: tuple[Lifecycle, ...] = (PAYMENT, ATTEMPT, REFUND, TRANSFER, LINK, DELIVERY)


def settings() -> str:
    """docs/settings.md: every setting with its default and meaning."""
    lines = [
        "# Settings",
        "",
        "Read once at the start, from the environment. `guichet docs settings` writes this page.",
        "",
        "| Variable | Default | Meaning |",
        "| --- | --- | --- |",
    ]
    for item in fields(Settings):
        default = "" if item.default == "" else f"`{item.default}`"
        meaning = item.metadata["meaning"].replace("|", "\\|")
        note = " Secret." if item.metadata["secret"] else ""
        lines.append(f"| `GUICHET_{item.name.upper()}` | {default} | {meaning}{note} |")
    return "\n".join(lines) + "\n"


def states() -> str:
    """docs/states.md: every life cycle as a diagram."""
    parts = [
        "# States",
        "",
        "What may become what, and why; states without an arrow out of them are final.",
        "Drawn from the tables in `src/guichet/domain` by `guichet docs states`.",
    ]
    for lifecycle in _LIFECYCLES:
        parts += ["", f"## {lifecycle.noun.capitalize()}", "", "```mermaid"]
        parts += [lifecycle.to_mermaid(), "```"]
    return "\n".join(parts) + "\n"
