"""What the tools' reports mean; each judge reads JSON text and answers what is open."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

#: Findings of bandit that were looked at: (its test, where), and why they stand.
EXPLAINED = {
    ("B608", "src/guichet/store/"): "SQL is put together from columns and tables named there; "
    "values are arguments, and tests/house looks at every statement",
    ("B108", "src/guichet/embedded/folder.py"): "mkdtemp makes a private folder in it",
}
#: Lines that detect-secrets takes for secrets: (its type, where), and what they are.
NO_SECRETS = {
    ("Base64 High Entropy String", "README.md"): "ids in a printed answer",
    ("Base64 High Entropy String", "docs/"): "ids and signatures in printed answers",
    ("Base64 High Entropy String", "src/guichet/pages/assets.py"): "hashes of scripts",
    ("Secret Keyword", "src/guichet/demo.py"): "the demo merchant's, the same everywhere",
    ("Secret Keyword", "src/guichet/domain/access.py"): "the name of a role",
    ("Secret Keyword", "src/guichet/embedded/configuration.py"): "a setting of PostgreSQL",
    ("Secret Keyword", "src/guichet/rails/"): "texts about keys",
    ("Secret Keyword", "src/guichet/services/endpoints.py"): "the prefix of a secret",
    ("Secret Keyword", "src/guichet/simulators/"): "made up, for providers that are made up",
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


@dataclass(frozen=True)
class Packages:
    """How many packages are ``pinned``, how many of them were really ``audited``."""

    pinned: int
    audited: int
    found: tuple[str, ...]


def packages(report: str, requirements: str) -> Packages:
    """What pip-audit's JSON says of a requirements file.

    pip-audit answers "no known vulnerabilities" for packages that it could not look up: here they
    count as open, and so does everything when there is no report at all.
    """
    pinned = {_normal(name) for name in _PIN.findall(requirements)}
    rows: list[dict[str, Any]] = json.loads(report)["dependencies"] if report.strip() else []
    audited = {_normal(row["name"]) for row in rows if "skip_reason" not in row} & pinned
    found = [
        f"{row['name']} {row['version']}: {hole['id']}"
        for row in rows
        for hole in row.get("vulns", [])
    ]
    if audited != pinned:
        missing = sorted(pinned - audited)
        found.append(f"not audited: {', '.join(missing)}")
    return Packages(len(pinned), len(audited), tuple(found))


def code(report: str) -> list[str]:
    """Bandit's findings that nobody has explained."""
    if not report.strip():
        return ["bandit gave no report"]
    answer = json.loads(report)
    found = [f"{error['filename']}: {error['reason']}" for error in answer["errors"]]
    return found + [
        f"{row['filename']}:{row['line_number']}: {row['test_id']} {row['issue_text']}"
        for row in answer["results"]
        if not _known(EXPLAINED, row["test_id"], row["filename"])
    ]


def secrets(report: str) -> list[str]:
    """Lines that look like secrets and are not known to be none."""
    if not report.strip():
        return ["detect-secrets gave no report"]
    return [
        f"{file}:{row['line_number']}: {row['type']}"
        for file, rows in json.loads(report)["results"].items()
        for row in rows
        if not _known(NO_SECRETS, row["type"], file)
    ]


def _known(reasons: dict[tuple[str, str], str], kind: str, file: str) -> bool:
    return any(kind == known and file.startswith(place) for known, place in reasons)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
