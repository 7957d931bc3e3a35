import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.main import get_command

from xiaoan.cli.help import HelpfulCommand


def parsed(*arguments: str) -> tuple[object, ...]:
    app = typer.Typer()

    @app.command(cls=HelpfulCommand)
    def command(
        name: Annotated[str, typer.Option("--name")] = "安",
        words: Annotated[list[str] | None, typer.Option("--word")] = None,
        count: Annotated[int | None, typer.Option("--count", min=1)] = None,
        limit: Annotated[int, typer.Option("--limit")] = 20,
        plain: Annotated[bool | None, typer.Option("--plain/--no-plain")] = None,
    ) -> tuple[object, ...]:
        return name, words, count, limit, plain

    found = get_command(app).main(list(arguments), standalone_mode=False)
    assert isinstance(found, tuple)
    return found


def test_what_is_not_given_is_the_default() -> None:
    assert parsed() == ("安", None, None, 20, None)


def test_what_is_given_is_converted_and_checked() -> None:
    given = ("--name", "7", "--word", "a", "--word", "8", "--count", "3", "--limit", "4", "--no-plain")
    assert parsed(*given) == ("7", ["a", "8"], 3, 4, False)
    with pytest.raises(typer.TyperException, match="greater than or equal to 1"):
        parsed("--count", "0")


def test_a_command_line_of_words_alone_loads_no_converter(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom xiaoan.cli.app import run\nfrom xiaoan.cli.services import Services\n"
        "run(['practice', '--type', 'nothing', '--user', 'x'], Services())\nprint('pydantic' in sys.modules)"
    )
    root = str(Path(__file__).parents[2])
    environ = {"PYTHONPATH": root, "PYTHONIOENCODING": "utf-8", "XIAOAN_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environ, encoding="utf-8", check=True
    )
    assert "不认识题型" in result.stderr
    assert result.stdout == "False\n"
