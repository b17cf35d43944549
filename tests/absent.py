"""What a test needs beyond the pins: where it is absent the test skips, in CI it fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

#: Providers' OpenAPI files, beside the repository: other people's terms, never copied into it.
SPECS = Path(__file__).resolve().parents[1].parent / "shared" / "specs"


def in_ci() -> bool:
    """Whether this run decides about a change."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def missing(what: str) -> NoReturn:
    """Skip the running test, saying ``what`` is missing, and fail it where CI is set: there
    everything must have been installed, and a test that does not run proves nothing.
    """
    if in_ci():
        pytest.fail(f"{what}, and in CI nothing may be absent", pytrace=False)
    pytest.skip(what.upper())


def program(name: str, package: str, unproved: str) -> str:
    """The path of a program of Debian's ``package``; without it ``unproved`` stays unproved."""
    found = shutil.which(name)
    return found or missing(f"no {name} (Debian's {package}): {unproved}")


def spec(name: str) -> Path:
    """The path of a provider's file in ``SPECS``."""
    path = SPECS / name
    return path if path.exists() else missing(f"{path} is absent: nothing was judged")
