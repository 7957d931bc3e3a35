"""The command line's frame: parses commands, does them, and turns every ending into an exit code."""

import errno
import gc
import os
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, TextIO

import typer
from typer.main import get_command

from xiaoan import __version__
from xiaoan.cli import (
    ask,
    bank,
    bench,
    calibrate,
    dataset,
    doctor,
    exam,
    options,
    practice,
    progress,
    quiz,
    review,
    session,
    stats,
    train,
)
from xiaoan.cli.help import HelpfulCommand, HelpfulGroup
from xiaoan.cli.services import Action, Services
from xiaoan.errors import Interrupted, UsageError, XiaoanError
from xiaoan.printable import printable
from xiaoan.process_environment import prepare_environment

_INTERRUPTED = 130

app = typer.Typer(
    cls=HelpfulGroup,
    name="xiaoan",
    help=(
        "小安：电力安规考试问答，答案与题库逐题核对。\n不写命令就进入问答界面。\n"
        "设置的次序：默认值 < config.toml < 环境变量（XIAOAN_MODEL 等）< 命令行选项；"
        "环境变量 XIAOAN_HOME 指定存放全部用户数据的文件夹。"
    ),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("ask", cls=HelpfulCommand)(ask.ask)
for _name, _chinese, _command in (
    ("practice", "练习", practice.practice),
    ("quiz", "测验", quiz.quiz),
    ("review", "错题", review.review),
    ("stats", "统计", stats.stats),
):
    app.command(_name, cls=HelpfulCommand)(_command)
    app.command(_chinese, cls=HelpfulCommand, hidden=True)(_command)
app.add_typer(progress.app, name="progress", cls=HelpfulGroup)
app.add_typer(progress.app, name="进度", cls=HelpfulGroup, hidden=True)
app.add_typer(bank.app, name="bank", cls=HelpfulGroup)
app.add_typer(dataset.app, name="dataset", cls=HelpfulGroup)
app.command("exam", cls=HelpfulCommand)(exam.exam)
app.command("calibrate", cls=HelpfulCommand)(calibrate.calibrate)
app.add_typer(train.app, name="train", cls=HelpfulGroup)
app.command("doctor", cls=HelpfulCommand)(doctor.doctor)
app.command("bench", cls=HelpfulCommand)(bench.bench)


@app.callback()
def start(
    context: typer.Context,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    bank_files: options.Bank = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    decode: options.Decode = None,
    user: options.User = None,
    plain: options.Plain = None,
    config: options.Config = None,
    version: Annotated[bool, typer.Option("--version", help="显示版本")] = False,
) -> Action | None:
    """Open the session when no command is named."""
    common = options.Common(
        model, prefix, bank_files, device, dtype, seed, decode, config, user, plain, lora=lora
    )
    options.remember_outer(context, common)
    services = options.services_of(context)
    if context.invoked_subcommand is not None:
        return None
    if version:
        return lambda: _say(services.stdout, f"xiaoan {__version__}")
    return lambda: session.open_session(options.settings_for(context, common), services)


def run(arguments: Sequence[str], services: Services) -> int:
    """Parse and do one command line; return its exit code. Nothing a person did wrong ends in a traceback."""
    try:
        code = run_inside(arguments, services)
        services.stdout.flush()
        return code
    except Interrupted as error:
        # Of several processes that stop together one says so.
        return error.exit_code if _process(services) else _report(services, error.message, error.exit_code)
    except XiaoanError as error:
        return _report(services, error.message, error.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EINVAL) and (os.name == "nt" or error.errno == errno.EPIPE):
            _discard(services.stdout)
            return 0
        # A full disk behind `> file`, a vanished drive: what was buffered cannot be kept.
        _discard(services.stdout)
        place = f" {error.filename} " if error.filename else ""
        reason = error.strerror or str(error)
        return _report(services, f"读写{place}时出错：{reason}。检查磁盘空间和权限后再试。", 2)


def run_inside(arguments: Sequence[str], services: Services) -> int:
    """Parse and do one command line inside a session and return its exit code.

    Raises:
        XiaoanError: what a person did wrong, for the session to show.
    """
    action = _parse(arguments, replace(services, arguments=tuple(arguments)))
    return action() if callable(action) else int(action or 0)


def _parse(arguments: Sequence[str], services: Services) -> Any:
    """Return the action of a command line, or an exit code (after help)."""
    try:
        return get_command(app).main(
            args=list(arguments), prog_name="xiaoan", standalone_mode=False, obj=services
        )
    except typer.TyperException as error:
        raise UsageError(f"{_in_chinese(error)}用法见 xiaoan --help。") from error


def _in_chinese(error: Any) -> str:
    """Return the parser's complaint in Chinese."""
    kind = type(error).__name__
    name = printable(str(getattr(error, "option_name", "") or ""))
    if kind == "NoSuchOption":
        close = "、".join(sorted(error.possibilities or ()))
        return f"没有 {name} 这个选项。" + (f"是不是 {close}？" if close else "")
    if kind == "BadOptionUsage":
        return f"选项 {name} 后面少了值，或多了值。"
    parameter = getattr(error, "param", None)
    label = (parameter.metavar or parameter.name) if parameter is not None else ""
    if kind == "MissingParameter":
        return f"少了{label}。"
    if kind == "BadParameter":
        names = "、".join(parameter.opts) if parameter is not None else ""
        return f"{names} 的值不对：{_wanted_value(error.message)}。"
    if error.message == "Missing command.":
        return "少了命令。"
    superfluous = re.match(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", error.message, re.DOTALL)
    if superfluous:
        return f"{error.ctx.command_path} 后面多了 {printable(superfluous.group(1))}。"
    unknown = re.match(r"No such command '(.*?)'", error.message)
    if unknown:
        return f"没有 {printable(unknown.group(1))} 这个命令；要问题目请用 xiaoan ask 加题目。"
    return printable(error.format_message())


def _wanted_value(message: str) -> str:
    """Return in Chinese what the parser would have liked."""
    if "valid integer" in message:
        return "要写整数"
    if "valid number" in message:
        return "要写数字"
    if too_small := re.search(r"greater than or equal to (\d+)", message):
        return f"不能小于 {too_small[1]}"
    return printable(message)


def _say(stream: TextIO, text: str) -> int:
    print(text, file=stream)
    return 0


def _report(services: Services, message: str, code: int) -> int:
    """Write the message on standard error (further lines indented); a closed one is nobody's loss."""
    try:
        services.stdout.flush()
        text = printable(message, newlines=True).strip().replace("\n", "\n  ")
        process = _process(services)
        place = f"进程 {process}：" if process else ""
        print(f"xiaoan: {place}{text}", file=services.stderr, flush=True)
    except OSError:
        _discard(services.stderr)
    return code


def _process(services: Services) -> int:
    """Return which of the processes of a launcher this is; 0 for the one that speaks, and without a launcher."""
    rank = services.environ.get("RANK", "")
    return int(rank) if rank.isdecimal() and "WORLD_SIZE" in services.environ else 0


def _discard(stream: TextIO) -> None:
    """Send what is still buffered to nowhere, so that the interpreter does not complain at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):
        return


def _as_utf8(argument: str) -> str:
    """Return an argument that a locale without Chinese (LC_ALL=C) left undecoded as the UTF-8 it was."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(argument).decode("utf-8", errors="replace")
    return argument


def main() -> None:
    """Run the program: the console entry point."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows ? for it.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    services = Services()  # knows the environment as the person left it
    prepare_environment(os.environ)
    code = run([_as_utf8(argument) for argument in sys.argv[1:]], services)
    busy = any(thread.name.startswith("xiaoan-") for thread in threading.enumerate())
    if busy:
        # A thread inside torch cannot be ended gently: the interpreter would wait for it or crash in it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    # The interpreter would look for garbage among all that torch brought, half a second long, and then end anyway.
    gc.freeze()
    sys.exit(code)
