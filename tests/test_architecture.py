"""The house rules that a tree of files cannot show: who imports whom, and what starts without heavy libraries."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "xiaoan"

FOUNDATION = {
    "errors",
    "extras",
    "figures",
    "printable",
    "process_environment",
    "resting_collector",
    "whole_files",
}
"""The files that every area stands on."""

ALLOWED = {
    "errors": set(),
    "figures": set(),
    "printable": set(),
    "process_environment": set(),
    "resting_collector": set(),
    "whole_files": {"errors"},
    "extras": {"errors"},
    "config": FOUNDATION,
    "chatglm": FOUNDATION,
    "measuring": FOUNDATION | {"chatglm"},
    "question_bank": FOUNDATION,
    "knowledge": FOUNDATION,
    "training": FOUNDATION | {"config", "chatglm", "question_bank"},
    "assistant": FOUNDATION | {"config", "chatglm", "question_bank", "knowledge"},
    "evaluation": FOUNDATION | {"config", "chatglm", "question_bank", "knowledge", "assistant"},
    "terminal": FOUNDATION,
    "reports": FOUNDATION,
    "repl": FOUNDATION | {"config", "question_bank", "knowledge", "assistant", "terminal"},
    "cli": FOUNDATION
    | {
        *("config", "chatglm", "question_bank", "knowledge", "training"),
        *("assistant", "evaluation", "measuring", "reports", "terminal", "repl"),
    },
}
"""docs/design.md's table. `terminal` and `reports` may name the data classes they show for the type checker only."""

TYPE_ONLY = {
    "terminal": {"assistant", "evaluation", "measuring", "question_bank", "training"},
    "reports": {"assistant", "evaluation", "question_bank", "training"},
}
ONLY_INSIDE_FUNCTIONS = {
    ("assistant", "chatglm"),
    *(("cli", area) for area in ALLOWED["cli"] - FOUNDATION - {"config", "terminal"}),
}

GROUND = {"letters", "normalization", "question", "option_labels", "parsing", "unread_labels"}
"""The files of question_bank that every room stands on; they need no room."""

ROOMS = {
    "cells": {"letters"},
    "rows": GROUND | {"cells.sheets", "answers"},
    "finding": GROUND,
    "answers": GROUND,
    "drawing": GROUND | {"store.stored_bank", "search", "statistics", "grading"},
    "records": set(),
}
"""What the rooms of question_bank may import of it; `store` may import everything."""

BETWEEN_ROOMS_INSIDE_FUNCTIONS = {("cells/reading_process.py", "rows.columns")}
"""The child process asks which columns need their number formats."""


def area_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "xiaoan" and len(parts) > 1 else None


def imports_of(path: Path) -> list[tuple[str, str]]:
    """Each import of our own as (module, "top" | "function" | "types")."""
    found: list[tuple[str, str]] = []

    def visit(node: ast.AST, where: str) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            where = "types"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            where = "function"
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            modules = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "xiaoan"
                else [str(node.module)]
            )
        found.extend((module, where) for module in modules if area_of(module))
        for child in ast.iter_child_nodes(node):
            visit(child, where)

    visit(ast.parse(path.read_text(encoding="utf-8")), "top")
    return found


FILES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if (path.name != "__main__.py" and path.parent != PACKAGE) or path.stem in ALLOWED
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_keep_to_the_table(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module, where in imports_of(path):
        area = area_of(module)
        if area == own or area == "__version__":
            continue
        allowed = ALLOWED[own] | (TYPE_ONLY.get(own, set()) if where == "types" else set())
        assert area in allowed, f"{own} must not import {area}"
        if (own, area) in ONLY_INSIDE_FUNCTIONS:
            assert where != "top", f"{own} may import {area} inside functions only"


BANK = PACKAGE / "question_bank"
ROOM_FILES = sorted(path for room in ROOMS for path in (BANK / room).glob("*.py"))


def places_imported(path: Path) -> list[tuple[str, str]]:
    """Each import of question_bank as (place in it, such as `rows.columns`; "top" | "function" | "types")."""
    area = "xiaoan.question_bank."
    return [(name.removeprefix(area), where) for name, where in imports_of(path) if name.startswith(area)]


@pytest.mark.parametrize("path", ROOM_FILES, ids=lambda path: str(path.relative_to(BANK)))
def test_rooms_of_the_question_bank_keep_their_doors(path: Path) -> None:
    own = path.parent.name
    for place, where in places_imported(path):
        inside = (
            where == "function"
            and (path.relative_to(BANK).as_posix(), place) in BETWEEN_ROOMS_INSIDE_FUNCTIONS
        )
        room = place.split(".")[0]
        assert inside or room == own or {room, place} & ROOMS[own], f"{own} must not import {place}"


@pytest.mark.parametrize("name", sorted(GROUND))
def test_what_every_room_stands_on_needs_no_room(name: str) -> None:
    assert {place for place, _ in places_imported(BANK / f"{name}.py")} <= GROUND


def modules_after(code: str, home: Path) -> set[str]:
    listing = f"{code}\nimport sys; print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run(
        [sys.executable, "-c", listing],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={**os.environ, "XIAOAN_HOME": str(home)},
    )
    return set(done.stdout.split("\n")[-2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import xiaoan.cli.app as a\ntry:\n    a.run(['--help'], a.Services())\nexcept SystemExit:\n    pass",
        "import xiaoan.repl.app",
        "import xiaoan.question_bank.spreadsheet, xiaoan.question_bank.matching, xiaoan.question_bank.grading",
        "import xiaoan.cli.app as a\na.run(['bank', 'check', 'no-such-file.xlsx'], a.Services())",
        "import xiaoan.cli.app as a\na.run(['practice', '--no-save', '--count', '1'], a.Services())",
        "import xiaoan.cli.app as a\na.run(['quiz', '--no-save', '--count', '1'], a.Services())",
    ],
    ids=["help", "repl", "bank", "bank-check", "practice", "quiz"],
)
def test_starts_without_heavy_libraries(code: str, tmp_path: Path) -> None:
    assert not modules_after(code, tmp_path) & {"torch", "transformers", "pandas"}


def test_readme_tree_names_every_file_of_the_package() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w-]+\.(?:py|toml)\b", readme.split("## 文件夹")[1].split("## 开发")[0]))
    files = {
        path.name
        for path in PACKAGE.rglob("*")
        if path.suffix in (".py", ".toml") and path.name != "__init__.py"
    }
    assert files - named == set()
    assert {name for name in named if name.endswith(".py")} - files == set()
