"""A command whose options are the fields of a dataclass, so that commands share them by inheritance."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

import typer

from xiaoan.cli.services import Action

Flags = TypeVar("Flags")
_CONTEXT = "context"


def taking(flags: type[Flags]) -> Callable[[Callable[[typer.Context, Flags], Action]], Callable[..., Action]]:
    """Return what turns a function of context and `flags` into a command with an option for every field.

    `flags` is a dataclass whose fields are `Annotated[…, typer.Option(…)]`. A field without default is an option that
    has to be given.
    """
    hints = get_type_hints(flags, include_extras=True)
    assert dataclasses.is_dataclass(flags)
    parameters = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if item.default is dataclasses.MISSING else item.default,
            annotation=hints[item.name],
        )
        for item in dataclasses.fields(flags)
    ]
    context = inspect.Parameter(_CONTEXT, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)

    def decorate(command: Callable[[typer.Context, Flags], Action]) -> Callable[..., Action]:
        def parsed(context: typer.Context, **given: Any) -> Action:
            return command(context, flags(**given))

        parsed.__name__, parsed.__doc__ = command.__name__, command.__doc__
        parsed.__annotations__ = {_CONTEXT: typer.Context, **hints}
        parsed.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
        return parsed

    return decorate
