from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.main import get_command

from xiaoan.cli.flag_sets import taking
from xiaoan.cli.services import Action


@dataclass(frozen=True, kw_only=True)
class Shared:
    output: Annotated[str, typer.Option("--output")]
    steps: Annotated[int | None, typer.Option("--steps", min=1)] = None


@dataclass(frozen=True, kw_only=True)
class Own(Shared):
    target: Annotated[list[str] | None, typer.Option("--target")] = None


def parsed(*arguments: str) -> Own:
    app, seen = typer.Typer(), list[Own]()

    @app.command("tune")
    @taking(Own)
    def tune(context: typer.Context, flags: Own) -> Action:
        """Tune."""
        assert context.command.help == "Tune."
        seen.append(flags)
        return lambda: 0

    get_command(app).main(args=list(arguments), standalone_mode=False)
    return seen[0]


def test_inherited_and_own_fields_are_options() -> None:
    assert parsed("--output", "x", "--steps", "3", "--target", "a", "--target", "b") == Own(
        output="x", steps=3, target=["a", "b"]
    )
    assert parsed("--output", "x") == Own(output="x")


@pytest.mark.parametrize(
    "arguments", [(), ("--output", "x", "--steps", "0"), ("--output", "x", "--rank", "1")]
)
def test_what_is_missing_wrong_or_unknown_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(typer.TyperException):
        parsed(*arguments)
