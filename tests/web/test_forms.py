"""Forms with brackets."""

from __future__ import annotations

import pytest

from guichet.web.forms import read_form
from guichet.web.strict_json import Unreadable


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a=1&a=2", {"a": "2"}),
        ("p[amount]=1.5&p[currency]=GBP", {"p": {"amount": "1.5", "currency": "GBP"}}),
        ("a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=2&a=1", {"a": "1"}),
        ("a[b=1", {"a[b": "1"}),
        ("[a]=1", {"[a]": "1"}),
        ("city=%C3%8Ele+de+France", {"city": "Île de France"}),
    ],
)  # fmt: skip
def test_form_is_read(text: str, form: object) -> None:
    assert read_form(text.encode()) == form


@pytest.mark.parametrize(
    "body",
    [
        b"a=%00",
        b"%00=a",
        b"a=%FF",
        b"\xff=1",
        b"&".join([b"a=1"] * 201),
        b"a" + b"[a]" * 32 + b"=1",
    ],
)
def test_unstorable_or_huge_forms_are_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_form(body)
