from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("src", "tests", "bench", "supply") for path in (ROOT / folder).rglob("*.py")
)


def long_functions(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.name} has {lines} lines"


def test_there_is_something_to_measure() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_at_one_sitting(path: Path) -> None:
    source = path.read_text("utf-8")

    assert len(source.splitlines()) <= FILE_LINES_MAX
    assert list(long_functions(source)) == []


def test_a_long_function_is_found() -> None:
    source = "def long():\n" + "    pass\n" * FUNCTION_LINES_MAX

    assert list(long_functions(source)) == [f"long has {FUNCTION_LINES_MAX + 1} lines"]
