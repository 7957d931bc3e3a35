"""The commands of the session: one table feeds recognition, help and completion.

A command returns data (a page to show, or what to do); it neither prints nor reads.
"""

import difflib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from prompt_toolkit.history import History

from xiaoan.config import Settings
from xiaoan.errors import UsageError
from xiaoan.repl.background import Background
from xiaoan.repl.history import entries
from xiaoan.terminal.bank_report import bank_facts
from xiaoan.terminal.screen import Fact

if TYPE_CHECKING:
    from xiaoan.assistant.engine import Engine
    from xiaoan.assistant.open_bank import OpenBank

_HISTORY_COUNT = 20
_FAULTS_SHOWN = 5
_FILES_SHOWN = 10


@dataclass(frozen=True)
class State:
    """What commands can look at."""

    settings: Settings
    engine: "Background[Engine]"
    bank: "Background[OpenBank | None]"
    history: History


@dataclass(frozen=True)
class Page:
    """Something to show: a title, names with values, and remarks."""

    title: str
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()


class Order(Enum):
    """Something for the session to do."""

    CLEAR = auto()
    LEAVE = auto()


@dataclass(frozen=True)
class Command:
    """A command: names behind a slash, words that work alone, a line of help, and what it does."""

    names: tuple[str, ...]
    words: tuple[str, ...]
    help: str
    run: Callable[[State, str], Page | Order]

    @property
    def title(self) -> str:
        """How the command is written, for help: `clear /clear /清屏`."""
        return " ".join([*self.words, *(f"/{name}" for name in self.names)])


def help_page(state: State, arguments: str) -> Page:  # noqa: ARG001 - every command has one signature
    """Return the commands and the keys."""
    return Page(
        "命令",
        tuple(Fact(command.title, command.help) for command in COMMANDS),
        (
            "问答模式：直接输入题干，如：高压室的钥匙至少应有（ ）把",
            "做题模式：连同选项一起输入或粘贴，可以分几行，如：…… 选项：A. 2; B. 3; C. 4",
            "Ctrl-C 停止正在说的回答，一秒内再按一次退出；Ctrl-D 退出；上下键翻看问过的题。",
            "每道题单独作答，不记得上一题。",
        ),
    )


def bank_page(state: State, arguments: str) -> Page:  # noqa: ARG001
    """Return which bank is open, its counts and its faults."""
    if state.bank.error is not None:
        return Page("题库", notes=(state.bank.error.message,))
    if not state.bank.finished:
        return Page("题库", notes=("正在读题库，请稍候。",))
    found = state.bank.result
    if found is None:
        return Page("题库", notes=("没有打开题库，回答不会核对。用 --bank 指定一个 Excel 题库。",))
    facts = [Fact("文件", str(path)) for path in found.paths[:_FILES_SHOWN]]
    if len(found.paths) > _FILES_SHOWN:
        facts.append(Fact("", f"……共 {len(found.paths)} 个文件"))
    facts.extend(bank_facts(found.bank))
    notes = [str(fault) for fault in found.first_faults(_FAULTS_SHOWN)]
    if notes:
        notes.insert(0, f"有 {found.fault_count} 处问题，全部见 xiaoan bank check：")
    return Page("题库", tuple(facts), tuple(notes))


def model_page(state: State, arguments: str) -> Page:  # noqa: ARG001
    """Return what answers: model, prefix, device, precision."""
    if state.engine.error is not None:
        advice = "题库照常可查。改好后重新启动；xiaoan doctor 可以检查环境。"
        return Page("模型", notes=(f"没有载入：{state.engine.error.message}", advice))
    engine = state.engine.result
    if engine is None:
        return Page("模型", notes=(f"正在载入：{state.engine.progress or '请稍候'}",))
    info = engine.info
    facts = (
        Fact("模型", f"{info.name}（演示模型）" if info.demo else info.name),
        Fact("前缀", info.prefix or "不用"),
        Fact("设备", info.device),
        Fact("精度", info.dtype),
        Fact("载入", f"{info.load_s:.1f} 秒"),
    )
    demo = "演示模型很小，只学过示例题库；换自己的模型用 --model 和 --prefix。"
    return Page("模型", facts, (demo,) if info.demo else ())


def history_page(state: State, arguments: str) -> Page:
    """Return the last questions; a number says how many."""
    count = int(arguments) if arguments.isdecimal() and 0 < int(arguments) <= 10_000 else _HISTORY_COUNT
    questions = [text for text in entries(state.history) if _is_question(text)][-count:]
    if not questions:
        return Page("问过的题", notes=("还没有问过题。",))
    facts = tuple(Fact(f"{number}.", text) for number, text in enumerate(questions, 1))
    return Page("问过的题", facts)


def clear(state: State, arguments: str) -> Order:  # noqa: ARG001
    """Empty the screen."""
    return Order.CLEAR


def leave(state: State, arguments: str) -> Order:  # noqa: ARG001
    """End the session."""
    return Order.LEAVE


COMMANDS: tuple[Command, ...] = (
    Command(("help", "帮助"), (), "这一页", help_page),
    Command(("bank", "题库"), (), "打开的题库：文件、题数、问题", bank_page),
    Command(("model", "模型"), (), "在用的模型、前缀、设备、精度", model_page),
    Command(("history", "历史"), (), "最近问过的题；后面可以写条数", history_page),
    Command(("clear", "清屏"), ("clear", "清屏"), "清屏，重新开始", clear),
    Command(("exit", "退出"), ("stop", "exit", "quit", "退出"), "退出", leave),
)


def find_command(text: str) -> tuple[Command, str] | None:
    """Return the command that `text` is, with what stands behind it; None if it is a question.

    Full-width letters and capitals are understood.

    Raises:
        UsageError: it begins with a slash but is no command.
    """
    line = unicodedata.normalize("NFKC", text).strip()
    if not line.startswith("/"):
        word = line.casefold()
        return next(((command, "") for command in COMMANDS if word in command.words), None)
    name, _, arguments = line[1:].partition(" ")
    name = name.casefold()
    for command in COMMANDS:
        if name in command.names:
            return command, arguments.strip()
    known = [known for command in COMMANDS for known in command.names]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"是不是 /{close[0]}？" if close else ""
    raise UsageError(f"没有 /{name[:30]} 这个命令。{hint}输入 /help 看全部命令。")


def _is_question(text: str) -> bool:
    try:
        return bool(text.strip()) and find_command(text) is None
    except UsageError:
        return False
