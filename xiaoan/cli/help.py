"""Help in Chinese, aligned by terminal cells."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from xiaoan.cli.late_coercion import leave_ready_values_alone
from xiaoan.terminal.wrapping import cell_width, wrap

_WIDEST_NAME = 34


def help_text(command: Any, context: Any, width: int) -> str:
    """Return the whole help of a command or group, wrapped at `width` cells."""
    parameters = [item for item in command.get_params(context) if not getattr(item, "hidden", False)]
    arguments = [item for item in parameters if item.param_type_name == "argument"]
    options = [item for item in parameters if item.param_type_name == "option"]
    subcommands = _subcommands(command, context)
    usage = ["用法：" + context.command_path, "[选项]" if options else ""]
    usage += ["[命令]"] if subcommands else []
    usage += [item.metavar or item.name for item in arguments]
    parts = ["  ".join(["  ".join(part for part in usage if part)]), "", *wrap(command.help or "", width)]
    parts += _table("参数", [(item.metavar or item.name, item.help or "") for item in arguments], width)
    parts += _table("选项", [_option_row(item) for item in options], width)
    parts += _table("命令", subcommands, width)
    return "\n".join(parts) + "\n"


class HelpfulCommand(TyperCommand):
    """A command whose help is Chinese."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` among them, none of which converts what needs no conversion."""
        parameters = super().get_params(ctx)
        leave_ready_values_alone(parameters)
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        formatter.write(help_text(self, ctx, formatter.width))


class HelpfulGroup(TyperGroup):
    """A group of commands whose help is Chinese."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` among them, none of which converts what needs no conversion."""
        parameters = super().get_params(ctx)
        leave_ready_values_alone(parameters)
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        formatter.write(help_text(self, ctx, formatter.width))


def _subcommands(command: Any, context: Any) -> list[tuple[str, str]]:
    if not isinstance(command, TyperGroup):
        return []
    rows = []
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None and not found.hidden:
            rows.append((name, (found.help or "").split("\n")[0]))
    return rows


def _option_row(option: Any) -> tuple[str, str]:
    if "--help" in option.opts:
        return "--help", "显示这段说明"
    names = "、".join([*option.opts, *option.secondary_opts])
    return (f"{names} {option.metavar}" if option.metavar else names), option.help or ""


def _table(title: str, rows: list[tuple[str, str]], width: int) -> list[str]:
    if not rows:
        return []
    column = min(max(cell_width(name) for name, _ in rows), _WIDEST_NAME)
    lines = ["", f"{title}："]
    for name, text in rows:
        shown = wrap(text, max(width - column - 4, 16))
        lines.append(f"  {name}{' ' * (column - cell_width(name))}  {shown[0]}".rstrip())
        lines += [" " * (column + 4) + line for line in shown[1:]]
    return lines
