"""Every package is pinned with hashes, and the judges of the auditors' reports see what is open."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from supply import judges

ROOT = Path(__file__).parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
ONE_PIN = "click==8.5.1 \\\n    --hash=sha256:00\n"


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_package_is_pinned_with_hashes(path: Path) -> None:
    lines = re.sub(r"^#.*\n|^\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    entries = re.split(r"(?<!\\)\n", lines.strip())

    assert entries
    for entry in entries:
        assert re.match(
            r"^[A-Za-z0-9._-]+==\S+ \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n)?)+$", entry
        )


def report(**row: object) -> str:
    return json.dumps({"dependencies": [{"name": "click", "version": "8.5.1", **row}]})


def test_a_package_that_was_looked_up_and_is_clean_is_audited() -> None:
    assert judges.packages(report(vulns=[]), ONE_PIN) == judges.Packages(1, 1, ())


def test_a_package_that_could_not_be_looked_up_is_open() -> None:
    verdict = judges.packages(report(skip_reason="not found"), ONE_PIN)

    assert (verdict.audited, verdict.found) == (0, ("not audited: click",))


def test_a_known_hole_is_open() -> None:
    verdict = judges.packages(report(vulns=[{"id": "PYSEC-1"}]), ONE_PIN)

    assert verdict.found == ("click 8.5.1: PYSEC-1",)


def test_no_report_is_no_clean_report() -> None:
    assert judges.packages("", ONE_PIN).found
    assert judges.code("")
    assert judges.secrets("")


@pytest.mark.parametrize(("place", "is_open"), [("store/x.py", False), ("web/x.py", True)])
def test_risky_code_is_open_where_nobody_explained_it(place: str, is_open: bool) -> None:
    row = {"test_id": "B608", "filename": f"src/guichet/{place}", "line_number": 1}
    text = json.dumps({"errors": [], "results": [{**row, "issue_text": "SQL"}]})

    assert bool(judges.code(text)) is is_open


def test_a_file_that_could_not_be_read_is_open() -> None:
    text = json.dumps({"errors": [{"filename": "src/a.py", "reason": "syntax"}], "results": []})

    assert judges.code(text) == ["src/a.py: syntax"]


@pytest.mark.parametrize(("place", "is_open"), [("demo.py", False), ("vault.py", True)])
def test_a_secret_is_open_where_it_is_not_known_to_be_none(place: str, is_open: bool) -> None:
    rows = {f"src/guichet/{place}": [{"type": "Secret Keyword", "line_number": 3}]}

    assert bool(judges.secrets(json.dumps({"results": rows}))) is is_open
