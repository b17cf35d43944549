from __future__ import annotations

import ast
from pathlib import Path

import pytest

from house import rules
from house.rules import RULES, Rule

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))

#: Places that were looked at, and why they may.
ALLOWED = {
    ("float_money", "src/guichet/dialects/notchpay/resources.py"): "a JSON number, from its text",
    ("compared_secrets", "src/guichet/simulators/operator/gsma_api.py"): "a made-up key",
    ("compared_secrets", "src/guichet/simulators/operator/phone.py"): "a made-up phone",
    ("values_in_sql", "src/guichet/embedded/roles.py"): "passwords that it has made itself",
    ("values_in_sql", "src/guichet/store/audit.py"): "one of the invariants of the module",
    ("values_in_sql", "src/guichet/store/checks.py"): "names of the module; SHOW takes no argument",
    ("values_in_sql", "src/guichet/store/customers.py"): "columns by the names of its own tuple",
    (
        "values_in_sql",
        "src/guichet/store/migrate.py",
    ): "a role's name, quoted: none takes arguments",
}

PLANTED = [
    (rules.float_money, "amount_minor: float = 0.1"),
    (rules.float_money, "def pay(fee: float): ..."),
    (rules.float_money, "x = float(amount)"),
    (rules.float_money, "half = amount_minor / 2"),
    (rules.compared_secrets, "if given == account.secret: ..."),
    (rules.compared_secrets, "if signature != expected: ..."),
    (
        rules.calls_in_transactions,
        "async def f():\n async with d.transaction() as c:\n  await rail.begin(order)",
    ),
    (rules.values_in_sql, "connection.fetch(f'SELECT * FROM t WHERE id = {wanted}')"),
    (rules.values_in_sql, "connection.execute('SELECT %s' % wanted)"),
    (rules.values_in_sql, "connection.execute('SELECT {}'.format(wanted))"),
    (rules.values_in_sql, "connection.execute('SELECT ' + wanted)"),
    (rules.logged_bodies, "_log.info('got %s', request.body)"),
    (rules.unverified_tls, "client(verify=False)"),
    (rules.unverified_tls, "context.verify_mode = ssl.CERT_NONE"),
    (rules.unverified_tls, "context.check_hostname = False"),
]


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 100


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_code_breaks_a_rule(rule: Rule) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        for line in rule(ast.parse(path.read_text("utf-8")))
        if (rule.__name__, str(path.relative_to(ROOT))) not in ALLOWED
    ]

    assert found == []


@pytest.mark.parametrize(("rule", "source"), PLANTED)
def test_a_planted_breach_is_found(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) != []
