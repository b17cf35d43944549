"""The first wall: each statement of the store says whose rows it reads or writes.

It names the application, or takes rows by a key that a lock, a claim or a page's token has proved
to be the caller's; row security is behind both (tests/store/test_row_security.py).
"""

from __future__ import annotations

from pathlib import Path

from house.statements import Statement, statements

STORE = Path(__file__).parents[2] / "src/guichet/store"
#: What does neither, and why it may.
ALLOWED = {
    "attempts._JOINED": "a beginning: whoever uses it goes on with the attempts' ids",
    "audit.INVARIANTS": "the books as a whole, by the owner of the tables",
    "deliveries._SEND_AGAIN": "by id, or as an operator asks, who is the owner of the tables",
    "examinations.failing_endpoints": "a count, by the owner of the tables",
    "examinations.suspense": "sums, by the owner of the tables",
    "examinations.waiting_for_a_person": "counts, by the owner of the tables",
    "payment_pages._SEARCH": "a condition of a statement that names the application",
    "refunds.COLUMNS": "columns of statements that find the refund",
    "sealing._ATTEMPTS": "everything, once, by a migration as the owner of the tables",
    "sealing._BODIES": "the same",
    "sealing._BULKS": "the same",
    "sealing._NOTES": "the same",
    "sealing._ROWS": "the same",
    "transfers.COLUMNS": "columns of statements that find the transfer",
    "transfers._one": "a beginning: each use names the application or the transfer's id",
}


def loose(statement: Statement) -> bool:
    return not (statement.names_application or statement.has_key or statement.only_adds)


def test_every_statement_says_whose_rows_it_means() -> None:
    found = [each for path in sorted(STORE.glob("*.py")) for each in statements(path)]

    assert len(found) > 100
    assert {each.where for each in found if loose(each)} == set(ALLOWED)


def test_a_statement_that_forgets_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        "_WHERE = 'status = $1'\n"
        "def lists(c):\n    return c.fetch(f'SELECT * FROM payments WHERE {_WHERE}')\n"
        "_OF = 'application_id = $1'\n"
        "def lists_own(c):\n    return c.fetch(f'SELECT * FROM payments WHERE {_OF}')\n"
        "def changes(c):\n    return c.execute('UPDATE refunds SET status = $1')\n"
        "def reads(c):\n    return c.fetch('SELECT * FROM refunds WHERE id = $1')\n"
    )

    assert [each.where for each in statements(planted) if loose(each)] == [
        "planted.lists",
        "planted.changes",
    ]
