from __future__ import annotations

import pytest

from absent import missing, program, spec


def test_what_is_absent_is_told_and_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="NO NO-SUCH-PROGRAM"):
        program("no-such-program", "no-such-package", "nothing was tried")


@pytest.mark.parametrize("ask", [lambda: missing("no luck"), lambda: spec("no-such-file.yaml")])
def test_in_ci_nothing_may_be_absent(monkeypatch: pytest.MonkeyPatch, ask: object) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="in CI nothing may be absent"):
        ask()  # type: ignore[operator]


def test_what_is_there_is_found() -> None:
    assert program("sh", "dash", "nothing was tried").endswith("/sh")
