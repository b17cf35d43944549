from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_imports_go_one_way() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout


def test_an_import_against_the_direction_is_found(tmp_path: Path) -> None:
    package = tmp_path / "guichet"
    for layer in ("domain", "services"):
        (package / layer).mkdir(parents=True)
        (package / layer / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "domain" / "wrong.py").write_text("from guichet import services\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_package = "guichet"\n'
        '[[tool.importlinter.contracts]]\nname = "layers"\ntype = "layers"\n'
        'containers = ["guichet"]\nlayers = ["services", "domain"]\n'
    )

    done = lint_imports(tmp_path)

    assert done.returncode == 1
    assert "guichet.domain.wrong -> guichet.services" in done.stdout
