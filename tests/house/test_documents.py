from __future__ import annotations

import re
from pathlib import Path

import pytest

from guichet import documents
from guichet.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "written"), [("settings", documents.settings()), ("states", documents.states())]
)
def test_the_document_is_what_the_code_says(name: str, written: str) -> None:
    assert (DOCS / f"{name}.md").read_text("utf-8") == written, f"run: guichet docs {name}"


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`(GUICHET_[A-Z_]+)` \|", documents.settings()))

    assert documented == {f"GUICHET_{name.upper()}" for name in Settings.__slots__}
