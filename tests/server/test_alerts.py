"""The alerts that we propose speak of numbers that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import guichet.server.site  # noqa: F401 - its numbers are among them

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((Path(__file__).parents[2] / "docs/alerts.yaml").read_text())[
        "groups"
    ]
    for rule in group["rules"]
]


def names() -> set[str]:
    """Every name that /metrics may print."""
    return {
        metric.name + ending
        for metric in REGISTRY.collect()
        for ending in ("", "_total", "_bucket", "_sum", "_count")
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_speaks_of_numbers_that_there_are(rule: dict[str, Any]) -> None:
    used = set(re.findall(r"guichet_[a-z_]+", rule["expr"]))

    assert used
    assert used <= names()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]
