from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from guichet import logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process writes to standard error."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("info")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def test_a_line_is_json_with_time_level_and_logger(lines: io.StringIO) -> None:
    logging.getLogger("guichet.test").warning("something %s", "happened")

    line = last(lines)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "something happened", "level": "warning", "logger": "guichet.test"}


def test_only_fields_that_are_allowed_appear(lines: io.StringIO) -> None:
    extra = {"request_id": "abc", "email": "payer@example.com"}
    logging.getLogger("guichet.test").warning("x", extra=extra)

    line = last(lines)
    assert line["request_id"] == "abc"
    assert "payer@example.com" not in lines.getvalue()


def test_addresses_that_are_called_are_not_told(lines: io.StringIO) -> None:
    logging.getLogger("httpx2").info("HTTP Request: PUT http://shop/notices/mtn/sandbox/x/y")

    assert lines.getvalue() == ""


def test_a_traceback_is_one_line_without_its_secrets(lines: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError("np_live.c2VjcmV0")

    try:
        fail()
    except ValueError:
        logging.getLogger("guichet.test").exception("failed")

    assert "ValueError: np_live.[masked]" in last(lines)["exception"]
    assert "c2VjcmV0" not in lines.getvalue()


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("np_test.c2VjcmV0-_x", "np_test.[masked]"),
        ("np_live.c2VjcmV0", "np_live.[masked]"),
        ("pk_test.demo", "pk_test.[masked]"),
        ("sk_c2VjcmV0", "sk_[masked]"),
        ("hsk_test.demo", "hsk_test.[masked]"),
        ("whsec_c2VjcmV0+/=", "whsec_[masked]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [masked]"),
        ("basic dXNlcjpwYXNz", "basic [masked]"),
        ("postgresql://guichet:pass@/db", "postgresql://guichet:[masked]@/db"),
        ("/pay/9963/c2VjcmV0-_", "/pay/9963/[masked]"),
        ("/return/9963/c2VjcmV0?x", "/return/9963/[masked]?x"),
        ("/notices/yapily/sandbox/c2VjcmV0", "/notices/yapily/sandbox/[masked]"),
        ("/notices/mtn/sandbox/default/c2VjcmV0", "/notices/mtn/sandbox/[masked]"),
        ("/notices/pix/live/0f1e/c2VjcmV0-_/pix", "/notices/pix/live/[masked]"),
        ("DE89370400440532013000", "[masked]"),
        ("card 4111111111111111.", "card [masked]."),
    ],
)
def test_secrets_are_masked(secret: str, shown: str) -> None:
    assert logs.masked(secret) == shown


@pytest.mark.parametrize(
    "text",
    [
        "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6",
        "98e2fe883a954c7ca98f123456789012",
        "took 12345 ms",
        "migrate 0001_foundation.sql",
        "two\nlines",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert logs.masked(text) == text


def test_control_characters_cannot_forge_a_line() -> None:
    assert logs.masked("a\rb\x1b[2Jc\u2028d") == "a\\x0db\\x1b[2Jc\\x2028d"
