"""The commands of the session: one table feeds recognition, help and completion.

A command returns data (a page to show, or what to do); it neither prints nor reads.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.history import History

from xiaoan.assistant.approach import scores_options
from xiaoan.config import OFF, Settings
from xiaoan.errors import UsageError
from xiaoan.repl.background import Background
from xiaoan.repl.history import entries
from xiaoan.repl.prefixes import Shelf, description, holds_prefix, named_prefix, names_to_type, prefixes_in
from xiaoan.repl.study.bot import Bot
from xiaoan.repl.study.words import CLEAR_NAMES, LEAVE_NAMES, read_switch
from xiaoan.terminal.bank_report import bank_facts
from xiaoan.terminal.screen import Fact

if TYPE_CHECKING:
    from xiaoan.assistant.engine import Engine, ModelInfo
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
    bot: Bot
    shelf: Shelf = field(default_factory=Shelf)


@dataclass(frozen=True)
class Page:
    """Something to show: a title, names with values, and remarks."""

    title: str
    facts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Launch:
    """A study mode to begin: its command line, without the program's name."""

    arguments: tuple[str, ...]


class Order(Enum):
    """Something for the session to do."""

    CLEAR = auto()
    LEAVE = auto()


@dataclass(frozen=True)
class Command:
    """A command: names behind a slash, words that work alone, a line of help, and what it does.

    `completions` are words that can follow, `takes_folder` says that a folder can.
    """

    names: tuple[str, ...]
    words: tuple[str, ...]
    help: str
    run: Callable[[State, str], Page | Order | Launch]
    takes: str = ""
    completions: Callable[[State], Iterable[str]] | None = None
    takes_folder: bool = False

    @property
    def title(self) -> str:
        """How the command is written, for help: `clear /clear /清屏`."""
        parts = [*self.words, *(f"/{name}" for name in self.names), self.takes]
        return " ".join(part for part in parts if part)


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
        *([Fact("适配器", info.lora)] if info.lora else []),
        Fact("设备", info.device),
        Fact("精度", info.dtype),
        Fact("载入", f"{info.load_s:.1f} 秒"),
        _measured(info),
    )
    demo = "演示模型很小，只学过示例题库；换自己的模型用 --model 和 --prefix。"
    return Page("模型", facts, (*info.warnings, *((demo,) if info.demo else ())))


def prefix_page(state: State, arguments: str) -> Page:
    """Put another prefix in place without reloading the base; without a word list those that lie ready."""
    if not arguments:
        return _shelf_page(state, state.shelf.prefixes())
    if state.engine.error is not None:
        raise UsageError(f"模型没有载入，换不了前缀：{state.engine.error.message}")
    if state.engine.result is None:
        raise UsageError(f"模型还在载入（{state.engine.progress or '请稍候'}），载好以后再换前缀。")
    prefix = named_prefix(state.shelf, arguments)
    if prefix is not None and not holds_prefix(prefix) and (inside := prefixes_in(prefix)):
        return _shelf_page(state, inside)
    state.engine.result.use_prefix(prefix)
    return _prefix_in_use(state.engine.result.info, state.settings.decode)


def _prefix_in_use(info: "ModelInfo", decode: str) -> Page:
    facts = [Fact("前缀", info.prefix or "不用")]
    if info.prefix_path is not None:
        facts.append(Fact("位置", str(info.prefix_path)))
    if info.forms:
        facts.append(Fact("学过的问法", "、".join(sorted(info.forms))))
    facts += [
        Fact("带选项的题", "按选项内容打分" if scores_options(info, decode) else "自由作答，再对回选项"),
        _measured(info),
    ]
    return Page("前缀", tuple(facts), (*info.warnings, "已经换好，底座没有重新载入。"))


def _measured(info: "ModelInfo") -> Fact:
    return Fact("把握", "没有测过，回答不带把握" if info.calibration is None else "测过，每个回答都带")


def _shelf_page(state: State, prefixes: Iterable[Path]) -> Page:
    engine = state.engine.result
    if engine is not None:
        used, path = engine.info.prefix, engine.info.prefix_path
        facts = [Fact("正在用", used or "不用前缀")]
    else:
        path = None
        facts = [Fact("正在用", "模型没有载入" if state.engine.error else "模型还在载入")]
    names = dict(zip(shelved := state.shelf.prefixes(), names_to_type(state.shelf), strict=True))
    for prefix in prefixes:
        name = names.get(prefix, str(prefix))
        mark = "（正在用）" if path is not None and _same(prefix, path) else ""
        place = "" if prefix == state.shelf.shipped or name == str(prefix) else f"　{prefix.parent}"
        facts.append(Fact(name + mark, description(prefix) + place))
    notes = ["换用：/prefix 名字或文件夹；不用前缀：/prefix off。"]
    if not shelved:
        folders = "、".join(str(folder) for folder in state.shelf.folders)
        notes.insert(0, f"没有找到别的前缀（找过 {folders or '的地方没有'}）。")
    return Page("前缀", tuple(facts), tuple(notes))


def _same(one: Path, other: Path) -> bool:
    return one.expanduser().resolve() == other.expanduser().resolve()


def history_page(state: State, arguments: str) -> Page:
    """Return the last questions; a number says how many."""
    count = int(arguments) if arguments.isdecimal() and 0 < int(arguments) <= 10_000 else _HISTORY_COUNT
    questions = [text for text in entries(state.history) if _is_question(text)][-count:]
    if not questions:
        return Page("问过的题", notes=("还没有问过题。",))
    facts = tuple(Fact(f"{number}.", text) for number, text in enumerate(questions, 1))
    return Page("问过的题", facts)


def begin(mode: str) -> Callable[[State, str], Launch]:
    """Return the command that begins the study mode `mode` with the options typed behind it."""
    return lambda _, arguments: Launch((mode, *split_options(arguments)))


def bot_page(state: State, arguments: str) -> Page:
    """Let the bot answer along in practice, review and quiz, or not; without a word say how it is."""
    if arguments:
        state.bot.on = read_switch(arguments)
    if state.bot.on:
        return Page("小安", notes=("做题时小安跟着作答，每题都对照题库。/小安 off 让它不跟。",))
    return Page("小安", notes=("做题时小安不跟着作答；练习里输入 ? 可以单问一题。/小安 on 让它跟着。",))


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
    Command(
        ("prefix", "前缀"),
        (),
        "换前缀，底座不重新载入；不写名字就列出现有的",
        prefix_page,
        "名字|off",
        completions=lambda state: [*names_to_type(state.shelf), OFF],
        takes_folder=True,
    ),
    Command(
        ("practice", "练习"), (), "做题，答完马上看对错；如 /练习 --count 5", begin("practice"), "[选项]"
    ),
    Command(("quiz", "测验"), (), "一份限时的模拟卷；接着做上次的：/测验 --resume", begin("quiz"), "[选项]"),
    Command(("review", "错题"), (), "复习错题本，到期的先来", begin("review"), "[选项]"),
    Command(("stats", "统计"), (), "学得怎么样：按专业、题型、日期", begin("stats"), "[选项]"),
    Command(("xiaoan", "小安"), (), "做题时小安跟着作答，或不跟", bot_page, "on|off"),
    Command(("history", "历史"), (), "最近问过的题；后面可以写条数", history_page),
    Command(("clear", "清屏"), CLEAR_NAMES, "清屏，重新开始", clear),
    Command(("exit", "退出"), LEAVE_NAMES, "退出", leave),
)


def find_command(text: str) -> tuple[Command, str] | None:
    """Return the command that `text` is, with what stands behind it; None if it is a question.

    Full-width letters and capitals are understood.

    Raises:
        UsageError: it begins with a slash but is no command.
    """
    line = unicodedata.normalize("NFKC", text).strip()
    # Arguments stay as typed: normalised, a file's name may be another's.
    _, *typed = text.split(maxsplit=1)
    if not line.startswith("/"):
        word = line.casefold()
        return next(((command, "") for command in COMMANDS if word in command.words), None)
    name = line[1:].partition(" ")[0].casefold()
    for command in COMMANDS:
        if name in command.names:
            return command, typed[0].strip() if typed else ""
    known = [known for command in COMMANDS for known in command.names]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"是不是 /{close[0]}？" if close else ""
    raise UsageError(f"没有 /{name[:30]} 这个命令。{hint}输入 /help 看全部命令。")


def split_options(line: str) -> list[str]:
    """Return the words of `line` as a command line has them; quotes of any kind keep spaces together.

    Dashes as Chinese keyboards write them (—— －－) begin an option too.
    """
    words = []
    for found in _ARGUMENT.findall(line):
        name, equals, value = _QUOTES.sub("", found).partition("=")
        dashes = _DASHES.match(name)
        if dashes:
            # One long dash is as wide as two: —count and ——count both stand for --count.
            rest = unicodedata.normalize("NFKC", name[dashes.end() :])
            name = ("-" if len(rest) == 1 else "--") + rest
        words.append(f"{name}{equals}{value}")
    return words


_ARGUMENT = re.compile(r"""(?:"[^"]*"|'[^']*'|“[^”]*”|[^\s])+""")
_QUOTES = re.compile("[\"'“”]")
_DASHES = re.compile(r"[-－—–−]{1,4}(?=[A-Za-zＡ-Ｚａ-ｚ])")


def _is_question(text: str) -> bool:
    try:
        return bool(text.strip()) and find_command(text) is None
    except UsageError:
        return False
