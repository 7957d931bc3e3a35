"""The words and signs of the study modes: one table feeds recognition, help and completion."""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from xiaoan.errors import UsageError

CLEAR_NAMES = ("clear", "清屏")
LEAVE_NAMES = ("stop", "exit", "quit", "退出")


class Mode(StrEnum):
    """What a person is doing; the value is how the database calls it."""

    PRACTICE = "practice"
    REVIEW = "review"
    QUIZ = "quiz"
    RECITAL = "recital"

    @property
    def heading(self) -> str:
        """What the person is doing, in Chinese."""
        return {"practice": "练习", "review": "复习", "quiz": "测验", "recital": "背题"}[self.value]


class Act(Enum):
    """Something that a word asks for."""

    NEXT = auto()
    BACK = auto()
    MARK = auto()
    REVEAL = auto()
    ASK_BOT = auto()
    GO_TO = auto()
    HAND_IN = auto()
    WITHDRAW = auto()
    PIN = auto()
    SWITCH_BOT = auto()
    FORCE_ANSWER = auto()
    HELP = auto()
    CLEAR = auto()
    LEAVE = auto()


_ALL = frozenset(Mode)
_ANSWERING = frozenset({Mode.PRACTICE, Mode.REVIEW, Mode.QUIZ})
_TEACHING = frozenset({Mode.PRACTICE, Mode.REVIEW})


@dataclass(frozen=True)
class Word:
    """One thing to ask for: a sign, names (alone or behind a slash), help, where it is offered.

    `takes` says what may stand behind a name, for help; '' for nothing.
    """

    act: Act
    sign: str
    names: tuple[str, ...]
    help: str
    modes: frozenset[Mode] = _ALL
    takes: str = ""

    @property
    def title(self) -> str:
        """How it is typed, for help: `+ 跳过 下一题 skip next`."""
        return " ".join(part for part in (self.sign, *self.names, self.takes) if part)

    @property
    def spoken_title(self) -> str:
        """How it is typed, for people who listen, to whom a sign alone is not read: `跳过，下一题，加号 +`."""
        sign = f"{_SPOKEN_SIGNS[self.sign]} {self.sign}" if self.sign else ""
        typed = [f"{name} {self.takes}".strip() for name in self.names]
        return "，".join(part for part in (*typed, sign) if part)


@dataclass(frozen=True)
class Call:
    """A word that was typed: what it asks for, what stood behind it, and how the person wrote it."""

    act: Act
    argument: str = ""
    written: str = ""


_SPOKEN_SIGNS = {"+": "加号", "-": "减号", "*": "星号", "=": "等号", "?": "问号"}

WORDS: tuple[Word, ...] = (
    Word(Act.NEXT, "+", ("下一题", "跳过", "next", "skip"), "下一题；没作答的先跳过"),
    Word(Act.BACK, "-", ("上一题", "back"), "回到上一题"),
    Word(Act.GO_TO, "", ("goto", "去"), "到某一题，也可写 第3题", takes="题号"),
    Word(Act.MARK, "*", ("标记", "mark"), "标记这题，再来一次取消", _ANSWERING),
    Word(Act.REVEAL, "=", ("看答案", "reveal"), "看这题的答案", _TEACHING),
    Word(Act.ASK_BOT, "?", ("问小安", "bot"), "听小安怎么答这题"),
    Word(Act.PIN, "", ("收藏", "pin"), "留在错题本里，再来一次取消", frozenset({Mode.REVIEW})),
    Word(Act.WITHDRAW, "", ("撤回", "withdraw"), "撤回这题的答案", frozenset({Mode.QUIZ})),
    Word(Act.HAND_IN, "", ("交卷", "submit", "handin"), "交卷，看成绩", frozenset({Mode.QUIZ})),
    Word(Act.SWITCH_BOT, "", ("小安", "xiaoan"), "小安跟着作答，或不跟", takes="on|off"),
    Word(Act.FORCE_ANSWER, "", ("答",), "后面是答案，不是命令", _ANSWERING, takes="答案"),
    Word(Act.HELP, "", ("help", "帮助"), "这一页"),
    Word(Act.CLEAR, "", CLEAR_NAMES, "清屏，再看这一题"),
    Word(Act.LEAVE, "", LEAVE_NAMES, "保存并离开"),
)

_SAME_SIGN = str.maketrans({"−": "-", "–": "-", "—": "-", "﹣": "-", "✱": "*", "∗": "*"})
_PLACE = re.compile(r"第 ?(\d{1,5}|[一二三四五六七八九十百两]{1,7}) ?题|/(\d{1,5})")
_FORCED = re.compile(r"\s*[/／]?答(?:\s*[:：]|\s)\s*", re.DOTALL)


def find_call(text: str) -> Call | None:
    """Return what the line `text` asks for; None if it is an answer. Any width and case, with or without a slash.

    Raises:
        UsageError: it begins with a slash but is no word.
    """
    if forced := _FORCED.match(text):
        return Call(Act.FORCE_ANSWER, text[forced.end() :], "答")
    line = unicodedata.normalize("NFKC", text).strip()
    if place := _PLACE.fullmatch(line):
        return Call(Act.GO_TO, place[1] or place[2], line)
    sign = line.translate(_SAME_SIGN).removeprefix("/") if len(line) <= 2 else ""
    slashed = line.startswith("/")
    name, _, argument = line.removeprefix("/").strip().casefold().partition(" ")
    for word in WORDS:
        if sign and sign == word.sign:
            return Call(word.act, "", word.sign)
        if name in word.names and (not argument or word.takes or slashed):
            return Call(word.act, argument.strip(), name)
    if slashed and len(line) <= _LONGEST_SLASHED:
        raise UsageError(_unknown(name))
    return None


_LONGEST_SLASHED = 40
"""Characters; what is longer is an answer that happens to begin with a slash."""


def words_of(mode: Mode) -> Iterator[Word]:
    """Yield the words that `mode` offers, in the order of the help."""
    return (word for word in WORDS if mode in word.modes)


def completions(typed: str, mode: Mode) -> list[tuple[str, str]]:
    """Return the slashed names that begin with `typed` in this mode, each with its line of help."""
    start = unicodedata.normalize("NFKC", typed).casefold()
    if not start.startswith("/") or any(character.isspace() for character in start):
        return []
    names = ((f"/{name}", word.help) for word in words_of(mode) for name in word.names)
    return [(name, text) for name, text in names if name.startswith(start)]


def read_place(argument: str) -> int | None:
    """Return the number of a question as written (`3`, `十二`); None if it is none."""
    if argument.isdecimal() and argument.isascii():
        return int(argument)
    figures = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
    total, digit = 0, 0
    for character in argument:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        elif character in figures and not digit:
            digit = figures[character]
        else:
            return None
    return total + digit or None


def read_switch(argument: str) -> bool:
    """Return whether `argument` says on or off; raises UsageError for anything else."""
    word = unicodedata.normalize("NFKC", argument).strip().casefold()
    if word not in _SWITCH:
        raise UsageError(f"小安 后面写 on 或 off，不是“{argument[:20]}”。")
    return _SWITCH[word]


_SWITCH = {
    **dict.fromkeys(("on", "开", "打开", "跟"), True),
    **dict.fromkeys(("off", "关", "关闭", "不跟"), False),
}


def _unknown(name: str) -> str:
    from xiaoan.repl.commands import COMMANDS  # which knows the words of this file

    if any(name in command.names for command in COMMANDS):
        return f"这里正在做题，/{name} 要离开以后才能用。输入 exit 离开，答过的题都在。"
    known = [name for word in WORDS for name in word.names]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"是不是 /{close[0]}？" if close else ""
    return f"没有 /{name[:30]} 这个命令。{hint}输入 help 看全部；要作答就写在“答 ”后面。"
