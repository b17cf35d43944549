"""Bulk transfers as spreadsheets write and read them: CSV in and out."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from guichet.dialects.notchpay.tables import read_table, write_table
from guichet.dialects.validation import ValidationFailed
from guichet.domain.bulk_transfers import ROWS_MAX
from guichet.gateway import Gateway
from guichet.store.audit import findings
from names import name_of
from wire.client import Answer, Client
from wire.notchpay.senders import MTN, ORANGE, kept

asynchronous = pytest.mark.asyncio(loop_scope="module")

FILE = f"""\
Amount,Channel,Name,Phone,Reference
1500,cm.mtn,Amina Kamga,+{MTN},a
2000,cm.mobile,"Ngo, Ada",{ORANGE},b
"""
BAD_FILE = f"""\
amount;Channel;NAME;account-number;reference
1500;cm.mtn;Amina;{MTN};a

99;cm.mtn;Berthe;{MTN};b
100;cm.mtn;Chantal;nobody;c
"""


@pytest_asyncio.fixture(loop_scope="module")
async def sound_books(gateway: Gateway) -> AsyncIterator[None]:
    """Whatever a test does, the audit finds nothing afterwards."""
    yield
    async with gateway.database.connection() as connection:
        assert await findings(connection) == []


async def post(client: Client, file: str | bytes, query: str = "") -> Answer:
    return await client.post(f"/transfers/bulk{query}", file, content_type="text/csv")


async def made(client: Client, file: str | bytes, query: str = "") -> dict[str, Any]:
    answer = await post(client, file, query)
    assert answer.status == 201, answer.body
    bulk: dict[str, Any] = answer.json()["bulk_transfer"]
    return bulk


def rows_of(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


@asynchronous
@pytest.mark.usefixtures("sound_books")
async def test_file_is_a_bulk(sending: Client) -> None:
    bulk = await made(sending, FILE, "?description=Paie")

    assert (bulk["currency"], bulk["description"], bulk["total_amount"]) == ("XAF", "Paie", 3500)
    assert [each["channel"] for each in bulk["transfers"]] == ["cm.mtn", "cm.orange"]


@asynchronous
async def test_file_comes_as_a_form_does(sending: Client) -> None:
    body = (
        '--b\r\nContent-Disposition: form-data; name="mode"\r\n\r\ncontinue\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="paie.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{BAD_FILE}\r\n--b--\r\n"
    )
    answer = await sending.post(
        "/transfers/bulk", body, content_type="multipart/form-data; boundary=b"
    )

    assert answer.status == 201, answer.body
    statuses = [each["status"] for each in answer.json()["bulk_transfer"]["rows"]]
    assert statuses == ["accepted", "failed", "failed"]


@asynchronous
async def test_errors_name_line_and_column(sending: Client) -> None:
    answer = await post(sending, BAD_FILE)

    assert answer.status == 422
    bounds = "The transfers.1.amount field is out of the channel's bounds."
    phone = "The transfers.2.account number field must be a valid phone number."
    assert answer.json()["errors"] == {
        "transfers.1.amount": [f'{bounds} (line 4, column "amount")'],
        "transfers.2.account_number": [f'{phone} (line 5, column "account-number")'],
    }
    assert (await sending.get("/transfers")).json()["totals"] == 0


@asynchronous
async def test_options_of_a_file_are_checked(sending: Client) -> None:
    answer = await post(sending, FILE, "?mode=some&dry_run=maybe&currency=XXX")

    assert set(answer.json()["errors"]) == {"mode", "dry_run", "currency"}


@asynchronous
async def test_dry_run_of_a_file_sends_nothing(sending: Client) -> None:
    answer = await post(sending, FILE, "?dry_run=true")

    assert answer.json()["bulk_transfer"]["balance"]["needed"] == 3500
    assert (await sending.get("/transfers/bulk")).json()["totals"] == 0


@asynchronous
@pytest.mark.parametrize("accept", [None, "text/csv"])
async def test_result_is_a_table(sending: Client, accept: str | None) -> None:
    beneficiary = await kept(sending, name="=cmd()")
    file = f"amount,beneficiary,reference\n100,{beneficiary['id']},=1+1\n"
    bulk = await made(sending, file)
    suffix = "" if accept else ".csv"
    answer = await sending.get(f"/transfers/bulk/{bulk['id']}{suffix}", accept=accept)

    [row] = rows_of(answer)
    assert answer.headers["content-disposition"] == f'attachment; filename="{bulk["id"]}.csv"'
    assert (row["amount"], row["currency"], row["status"]) == ("100", "XAF", "pending")
    assert (row["beneficiary"], row["reference"]) == (beneficiary["id"], "'=1+1")
    assert row["transfer"] == bulk["transfers"][0]["id"]


@asynchronous
@pytest.mark.usefixtures("sound_books")
async def test_failed_rows_can_be_mended_and_sent_again(sending: Client) -> None:
    bulk = await made(sending, BAD_FILE, "?mode=continue")
    answer = await sending.get(f"/transfers/bulk/{bulk['id']}.csv?rows=failed")
    assert [row["errors"] for row in rows_of(answer)] == [
        "The amount field is out of the channel's bounds.",
        "The account number field must be a valid phone number.",
    ]
    mended = answer.body.decode().replace("99,", "990,").replace("nobody", f"+{ORANGE}")
    again = await made(sending, mended.replace("cm.mtn,Chantal", "cm.orange,Chantal"))

    assert [each["merchant_reference"] for each in again["transfers"]] == ["b", "c"]
    assert (await sending.get("/transfers")).json()["totals"] == 3


# --- the table itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_delimiter_and_byte_order_mark_are_found(mark: str, start: str) -> None:
    file = start + mark.join(["Reference", "AMOUNT", "Colour"]) + "\r\n" + mark.join("a5x")
    table = read_table(file.encode(), ROWS_MAX)

    assert table.bodies() == [{"amount": "5", "reference": "a", "beneficiary_data": {}}]
    assert table.headers == {"reference": "Reference", "amount": "AMOUNT"}


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "line 1 has no column amount"),
        (b"amount\n", "it has no rows"),
        (b"name,phone\nA,1\n", "line 1 has no column amount"),
        (b"amount,Amount\n1,2\n", "line 1 has the column amount twice"),
        (b"amount,name\n1,A\n2,B,C\n", "line 3 has more cells than the first line"),
        (b'amount,name\n1,A\n2,"B" C\n', "line 3 cannot be read: ',' expected after '\"'"),
        (b'amount,name\n1,"A\n', "line 2 cannot be read: unexpected end of data"),
        ("amount,name\n1,Zoé\n".encode("latin-1"), "line 2 is not UTF-8 text"),
        (b"amount,name\n1,A\x00\n", "it holds what is no text"),
        (b"amount\n" + b"1\n" * (ROWS_MAX + 1), f"it has more than {ROWS_MAX} rows"),
        (b'amount,name\n1,"' + b"x" * 200_000 + b'"\n', "line 2 cannot be read: field larger"),
    ],
    ids=name_of,
)
def test_file_that_cannot_be_used_is_said_to_be_so(file: bytes, sentence: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_table(file, ROWS_MAX)

    [told] = refused.value.errors["file"]
    assert told.startswith(f"The file cannot be used: {sentence}")


def test_lines_are_counted_as_an_editor_does() -> None:
    table = read_table('amount,name\n1,"A\nB"\n\n2,C\n', ROWS_MAX)

    assert [row.line for row in table.rows] == [3, 5]


def test_metadata_is_json() -> None:
    table = read_table('amount,metadata\n1,"{""a"": ""b""}"\n2,text\n', ROWS_MAX)

    assert [body["metadata"] for body in table.bodies()] == [{"a": "b"}, "text"]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", " =1", "''+1"], ids=repr
)
def test_no_cell_is_a_formula(cell: str) -> None:
    _, line = list(csv.reader(io.StringIO(write_table(["name"], [{"name": cell}]), newline="")))

    assert line == [f"'{cell}"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20))
def test_what_is_written_is_read(text: str) -> None:
    table = read_table(write_table(["amount", "name"], [{"amount": 1, "name": text}]), ROWS_MAX)

    assert table.rows[0].cells["name"] == text
