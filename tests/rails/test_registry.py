"""No connector loads that does not say what the gateway rests on; nothing of it has a default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from guichet.bootstrap import build_rails
from guichet.domain.outcomes import Notice
from guichet.outbound.client import GuardedClient
from guichet.rails.port import Inbound, Rail, RailCard
from guichet.rails.registry import Registry
from guichet.settings import Settings
from guichet.vault import Vault, generate_key
from psp import Psp

RESTED_ON = ("authenticity", "event_types", "deduplicates", "visibility_seconds")
#: What says nothing, by what should be said.
SILENCE: list[tuple[str, object]] = [
    ("authenticity", ""),
    ("authenticity", "  "),
    ("authenticity", None),
    ("event_types", frozenset()),
    ("event_types", None),
    ("deduplicates", None),
    ("visibility_seconds", None),
    ("visibility_seconds", True),
    ("visibility_seconds", -1),
]


def test_every_connector_of_the_gateway_loads() -> None:
    rails = build_rails(Settings(), GuardedClient(), Vault([generate_key()]))

    assert len({name for (name, _), _ in rails.items()}) >= 5


@pytest.mark.parametrize(("field", "value"), SILENCE)
def test_a_connector_that_does_not_declare_is_refused(field: str, value: object) -> None:
    rail = Psp()
    rail.card = replace(rail.card, **{field: value})  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=field):
        Registry({("pix", "sandbox"): rail})


def test_a_connector_without_a_card_is_refused() -> None:
    class Silent:
        pass

    with pytest.raises(ValueError, match="a card"):
        Registry({("pix", "sandbox"): Silent()})  # type: ignore[dict-item]


@pytest.mark.parametrize("verb", ["hear", "advance"])
def test_a_verb_that_is_the_ports_own_is_none(verb: str) -> None:
    """Inheriting the port is no implementation: its verbs do nothing."""
    inherited: Any = type("Inherited", (Psp,), {verb: getattr(Rail, verb)})()

    with pytest.raises(ValueError, match=verb):
        Registry({("pix", "sandbox"): inherited})


def test_the_card_has_no_default_for_what_is_rested_on() -> None:
    defaults = {each.name: each.default for each in fields(RailCard)}

    assert {name: defaults[name] for name in RESTED_ON} == dict.fromkeys(RESTED_ON, MISSING)


def test_the_port_itself_believes_nobody() -> None:
    """What a connector that forgot its verb would answer: nothing that could be acted upon."""

    class Forgetful(Rail):
        pass

    heard: Sequence[Notice] | None = Forgetful.hear(Forgetful(), Inbound({}, b"{}"))  # type: ignore[abstract]

    assert not heard
