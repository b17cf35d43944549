"""``python -m supply``: audit packages, code and tree; the exit code is 1 if anything is open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from supply import judges

_REQUIREMENTS = ("build", "runtime", "dev", "bench", "audit")
_TREE = ("src", "bench", "docs", "supply", ".ci", "Makefile", "README.md", "pyproject.toml")


def main() -> None:
    """Print a verdict for each part; a tool that could not look is no verdict of "clean"."""
    open_questions = [
        *(_packages(name) for name in _REQUIREMENTS),
        _code(),
        _secrets(),
    ]
    sys.exit(any(open_questions))


def _packages(name: str) -> bool:
    path = f"requirements/{name}.txt"
    command = ["pip_audit", "--disable-pip", "--require-hashes", "-r", path, "-f", "json"]
    verdict = judges.packages(_output(command), Path(path).read_text("utf-8"))
    return _say(f"{path}: audited {verdict.audited} of {verdict.pinned} packages", verdict.found)


def _code() -> bool:
    found = judges.code(_output(["bandit", "-q", "-r", "src", "-ll", "-f", "json"]))
    return _say("src: bandit, medium and high", found)


def _secrets() -> bool:
    found = judges.secrets(_output(["detect_secrets", "scan", "--all-files", *_TREE]))
    return _say("tree: secrets", found)


def _output(command: Sequence[str]) -> str:
    module = [sys.executable, "-m", *command]
    return subprocess.run(module, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _say(what: str, found: Sequence[str]) -> bool:
    print(f"{what}: {len(found)} open" if found else f"{what}: nothing open")
    for each in found:
        print(f"  {each}")
    return bool(found)


if __name__ == "__main__":
    main()
