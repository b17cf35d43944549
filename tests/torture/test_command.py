"""``guichet torture``: what it says, what it writes down, and when it ends with 1."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from guichet.torture import command
from guichet.torture.campaign import Report
from guichet.torture.command import run_torture
from guichet.torture.plans import PLAN, chosen
from guichet.torture.programs import CommandFailed, environment
from guichet.torture.programs import command as guichet
from guichet.torture.relay import CommitLosses, HttpLosses


async def test_a_fault_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(CommandFailed, match="no such fault: F99"):
        await guichet(environment(), "torture", "--faults", "F1,F99")


@pytest.mark.parametrize(("breaches", "is_sound"), [([], True), (["a payment is lost"], False)])
def test_a_breach_is_told_with_its_seed_and_written_down(
    breaches: list[str], is_sound: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tortured(*_: object) -> list[Report]:
        return [Report(7, {"F1": {"kills": 10}}, breaches)]

    said: list[str] = []
    file = tmp_path / "var" / "figures.json"
    monkeypatch.setattr(command, "torture", tortured)

    assert run_torture("A", 7, [], 0, file, said.append) is is_sound
    assert [line for line in said if "seed 7" in line] == [
        f"BROKEN (seed 7): {breach}" for breach in breaches
    ]
    (written,) = json.loads(file.read_text())
    assert (written["figures"], written["breaches"]) == ({"F1": {"kills": 10}}, breaches)


def test_every_fault_is_in_the_set_for_a_release_or_stands_for_others_in_the_small_one() -> None:
    names = [each.fault.name for each in PLAN]

    assert len(set(names)) == len(names)
    assert {each.fault.name for each in chosen("B")} == {*names} - {"F1-F3"}
    assert [each.fault.name for each in chosen("C", ["F5"])] == ["F5"]


ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d"


def asked(losses: HttpLosses, request: bytes, answers: Sequence[bytes]) -> list[bool]:
    exchange = losses.exchange()
    exchange.asked(request)
    return [exchange.answers(each) for each in answers]


def test_answers_to_writes_get_lost_and_those_to_reads_do_not() -> None:
    losses = HttpLosses(random.Random(1))
    losses.probability = 1.0

    assert asked(losses, b"GET / HTTP/1.1\r\n\r\n", [ANSWER % 1]) == [True]
    assert asked(losses, b"POST / HTTP/1.1\r\n\r\n", [ANSWER % 1]) == [False]
    assert losses.lost == 1


def test_a_lost_answer_is_compared_with_the_next_to_the_same_key() -> None:
    losses = HttpLosses(random.Random(1))
    for number in (1, 1, 2):
        key = b"POST / HTTP/1.1\r\nIdempotency-Key: k%d\r\n\r\n"
        asked(losses, key % 1, [ANSWER % number])
        asked(losses, key % 2, [ANSWER % 1])

    assert list(losses.different) == ["k1"]


def message(kind: bytes, content: bytes) -> bytes:
    return kind + (len(content) + 4).to_bytes(4, "big") + content


def ready(status: bytes) -> bytes:
    return message(b"Z", status)


def test_only_answers_to_commits_get_lost() -> None:
    losses = CommitLosses(random.Random(1), one_in=1)
    exchange = losses.exchange()
    start = (8).to_bytes(4, "big") + (196608).to_bytes(4, "big")
    exchange.asked(start[:5])
    exchange.asked(start[5:] + message(b"Q", b"BEGIN;\0"))
    assert exchange.answers(ready(b"T"))
    insert = message(b"P", b"s1\0INSERT INTO payments\0\0\0") + message(b"B", b"\0s1\0")
    exchange.asked(insert[:7])
    exchange.asked(insert[7:] + message(b"E", b"\0\0\0\0\0"))
    assert exchange.answers(ready(b"T"))  # within a transaction nothing is decided yet
    exchange.asked(message(b"Q", b"COMMIT;\0"))
    assert not exchange.answers(ready(b"I"))
    exchange.asked(message(b"B", b"\0s1\0"))
    assert not exchange.answers(ready(b"I"))  # a statement on its own commits
    assert losses.lost == 2
