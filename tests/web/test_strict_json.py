"""Strict JSON: what is read, what is refused, what the comma repair mends."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.web.strict_json import (
    REPAIR_LIMIT_BYTES,
    Number,
    Unreadable,
    read_json,
    repair_commas,
)
from wire.neopay import documents


@pytest.mark.parametrize(
    "text", ["122.44", "90071992547409.93", "1e999999", "-0", "1E5", "9" * 10_000, "0.10"]
)
def test_number_stays_as_it_was_written(text: str) -> None:
    value = read_json(f'{{"amount": {text}}}'.encode())
    assert isinstance(value, dict)
    assert isinstance(value["amount"], Number)
    assert value["amount"] == text


def test_text_is_no_number() -> None:
    assert not isinstance(read_json(b'"1"'), Number)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{} x",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": +1}',
        b'{"a": .5}',
        b'{"a": 0x10}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "\\u0062": 1}}',
        b'{"a": "\x00"}',
        b'{"a": "\n"}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": "\\ud800"}',
        b'{"a": ["\\udc00x"]}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xc0\x80"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-32"),
        b'{"a": "\\x41"}',
        b"{/* no */}",
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_one_strict_text_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_json(body)


def test_depth_is_counted_not_brackets() -> None:
    assert read_json(b"[" * 32 + b"]" * 32) is not None
    assert read_json(b"[" + b",".join([b"[]"] * 1000) + b"]") == [[]] * 1000


def test_paired_surrogates_are_one_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('abc"\\,:{}[]\n', max_size=5), inner)
    ),
    max_leaves=20,
)


def _numbers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers_as_text(inner) for inner in value]
    return str(value) if type(value) is int else value


@given(value=_values.map(lambda value: {"a": value, "b": [value]}))
def test_every_json_text_is_read_as_the_standard_library_does(value: dict[str, Any]) -> None:
    expected = _numbers_as_text(value)
    if "\x00" not in json.dumps(value) and "\\u0000" not in json.dumps(value):
        assert read_json(json.dumps(value).encode()) == expected


# --- the repair ----------------------------------------------------------------------------------


def test_documented_body_is_mended_as_a_hand_would() -> None:
    mended = repair_commas(documents.PAYMENT_WITHOUT_COMMA.encode())
    by_hand = documents.PAYMENT_WITHOUT_COMMA.replace('"api"\n', '"api",\n')
    assert mended == by_hand.encode()


@given(
    value=_values.filter(lambda value: isinstance(value, dict) and len(value) > 1), data=st.data()
)
def test_removed_commas_come_back_or_the_body_is_refused(value: Any, data: st.DataObject) -> None:
    lines = json.dumps(value, indent=1).split("\n")
    candidates = [
        index
        for index, line in enumerate(lines[:-1])
        if line.endswith(",") and lines[index + 1].lstrip().startswith('"')
    ]
    for index in data.draw(st.sets(st.sampled_from(candidates)) if candidates else st.just(set())):
        lines[index] = lines[index][:-1]
    mended = repair_commas("\n".join(lines).encode())
    if mended is not None:
        with contextlib.suppress(Unreadable):
            assert read_json(mended) == _numbers_as_text(value)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ('{"a":1,}', '{"a":1}'),
        ('{"a":[1,2,],}', '{"a":[1,2]}'),
        ('{"a":{}\n"b":2}', '{"a":{},\n"b":2}'),
        ('{"a":[]\r\n  "b" : 2}', '{"a":[],\r\n  "b" : 2}'),
        ('{"a":"x,}\\"\n"\n"b":2}', '{"a":"x,}\\"\n",\n"b":2}'),
        ('{"a":null\n"b":true\n"c":-1.5e3\n"d":0}', '{"a":null,\n"b":true,\n"c":-1.5e3,\n"d":0}'),
    ],
)
def test_what_is_mended(text: str, mended: str) -> None:
    assert repair_commas(text.encode()) == mended.encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1 "b":2}',
        "{,}",
        "[,]",
        "[1,,]",
        '["a"\n"b"]',
        '{"a"\n:1}',
        '{"a":1',
        '"',
        "",
        "{]",
        "\\",
    ],
)
def test_what_is_not_mended(text: str) -> None:
    mended = repair_commas(text.encode())
    assert mended is None or _is_unreadable(mended)


def _is_unreadable(body: bytes) -> bool:
    try:
        read_json(body)
    except Unreadable:
        return True
    return False


def test_valid_json_is_left_alone() -> None:
    assert repair_commas(documents.PAYMENT.encode()) is None


def test_duplicate_keys_are_refused_after_the_repair() -> None:
    mended = repair_commas(b'{"a":1\n"a":2}')
    assert mended is not None
    assert _is_unreadable(mended)


def test_large_bodies_are_not_mended() -> None:
    assert repair_commas(b'{"a":"' + b"x" * REPAIR_LIMIT_BYTES + b'",}') is None


@pytest.mark.parametrize(
    "unit",
    [
        b'"',
        b'"\\',
        b'{"a":',
        b" ",
        b'\n"a"',
        b'"a"\n',
        b'\\"',
        b"x\n",
        b'"a"    ',
        b'"a" :',
        b",",
        b"]",
    ],
)
def test_worst_bodies_are_scanned_to_the_end(unit: bytes) -> None:
    mended = repair_commas((unit * REPAIR_LIMIT_BYTES)[:REPAIR_LIMIT_BYTES])
    assert mended is None or _is_unreadable(mended)
