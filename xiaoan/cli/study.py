"""What practice, quiz and review have in common on the command line: their options and what those lead to."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.services import Services
from xiaoan.config import Settings, bank_paths, home_path, prepare_home
from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.selection import Wanted
    from xiaoan.question_bank.progress import Progress
    from xiaoan.question_bank.question import QuestionType
    from xiaoan.question_bank.store.stored_bank import StoredBank

PROGRESS_NAME = "progress.sqlite"
RESUMED = "--resume 接着做原来那份，题已经定了"
"""Why nothing can be chosen beside `--resume`, for `Choice.refuse_beside`."""

_DUMB_TERMINALS = ("dumb", "unknown")

Professions = Annotated[
    list[str] | None, typer.Option("--profession", metavar="专业", help="只要这个专业的题，可写多次")
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="题型", help="只要这种题，可写多次：单选题、多选题、判断题、填空题、简答题"
    ),
]
Clause = Annotated[
    str,
    typer.Option(
        "--clause", metavar="条款", help="只要依据这一条的题，如 7.3（也算 7.3.4），前面可以写规程名"
    ),
]
Search = Annotated[str, typer.Option("--search", metavar="词", help="只要有这些词的题")]
PaperSeed = Annotated[
    int | None,
    typer.Option("--seed", metavar="卷号", min=0, help="同一个卷号，题目和选项的次序都一样；不写就另出"),
]
Resume = Annotated[bool, typer.Option("--resume", help="接着做上次没做完的")]
WithBot = Annotated[bool, typer.Option("--with-bot", help="每题答过以后小安也答一遍，对照题库")]
NoSave = Annotated[bool, typer.Option("--no-save", help="这次不记进度")]

_TYPE_NAMES = "单选题、多选题、判断题、填空题、简答题（single、multiple、judge、blank、short）"
_ENGLISH_TYPES = {
    "single": "单选题",
    "multiple": "多选题",
    "judge": "判断题",
    "blank": "填空题",
    "short": "简答题",
}


@dataclass(frozen=True)
class Choice:
    """Which questions a command line asks for, as it gave them; None and empty are not given."""

    professions: Sequence[str] | None = None
    types: Sequence[str] | None = None
    clause: str = ""
    search: str = ""
    count: int | None = None
    seed: int | None = None

    def wanted(self) -> "Wanted":
        """Return which questions the bank is asked for.

        Raises:
            UsageError: a word that should name a 题型 names none.
        """
        from xiaoan.question_bank.drawing.selection import Wanted

        return Wanted(
            professions=tuple(name.strip() for name in self.professions or ()),
            types=question_types(self.types or ()),
            clause=self.clause.strip(),
            words=self.search.strip(),
        )

    def checked(self) -> "Choice":
        """Return this choice; raises, before anything is opened, what `wanted` raises."""
        self.wanted()
        return self

    def refuse_beside(self, sentence: str, **more: object) -> None:
        """Raise UsageError if questions are chosen, or anything of `more`, beside an option that leaves no choice.

        `sentence` names that option and says why: `--resume 接着做原来那份，题已经定了`.
        """
        given = {
            "profession": self.professions,
            "type": self.types,
            "clause": self.clause,
            "search": self.search,
            "count": self.count is not None,
            "seed": self.seed is not None,
            **more,
        }
        named = [f"--{name}" for name, value in given.items() if value]
        if named:
            option = sentence.split()[0]
            raise UsageError(f"{sentence}，不能再写 {'、'.join(named)}。去掉它们，或去掉 {option}。")


def question_types(words: Sequence[str]) -> "tuple[QuestionType, ...]":
    """Return the 题型 that `words` name, each once; one word may name several, separated by commas.

    Raises:
        UsageError: a word names none; says which can be named.
    """
    if not words:
        return ()
    from xiaoan.question_bank.rows.type_words import read_type

    found: dict[QuestionType, None] = {}
    for written in words:
        for word in re.split(r"[,;、\s]+", unicodedata.normalize("NFKC", written).strip()):
            named = read_type(_ENGLISH_TYPES.get(word.casefold(), word)).type
            if named is None:
                raise UsageError(f"不认识题型“{word or written}”。可以写：{_TYPE_NAMES}。")
            found[named] = None
    return tuple(found)


def open_study_bank(settings: Settings, services: Services) -> "StoredBank":
    """Return the questions of the bank that the settings name; inside a session those that are open already.

    Raises:
        UsageError: it is switched off or empty.
        BankError: a file cannot be read.
    """
    from xiaoan.assistant.open_bank import open_questions

    seat = services.seat
    bank = seat.bank() if seat is not None and seat.settings.bank == settings.bank else None
    names = bank_paths(settings)
    if bank is None and names:
        bank = open_questions(names, options.bank_cache(services.environ))
    if not bank:
        raise UsageError("没有题可做：题库是空的，或用 off 关掉了。请用 --bank 指定题库。")
    return bank


def open_progress(
    settings: Settings, services: Services, *, save: bool = True, read_only: bool = False
) -> "Progress":
    """Return the progress of the person that the settings name; kept nowhere if not to be saved.

    Raises:
        StorageError: it cannot be used; says how to go on without.
    """
    from xiaoan.question_bank.progress import Progress, ReviewRules

    rules = ReviewRules(leave_after=settings.leave_after, slow_s=settings.slow_s)
    user = settings.user or services.login()
    if not save:
        return Progress.open(None, user, now=services.now, rules=rules)
    try:
        if not read_only:
            prepare_home(home_path(services.environ))
        return Progress.open(
            progress_file(services), user, now=services.now, rules=rules, read_only=read_only
        )
    except StorageError as error:
        if read_only:
            raise
        raise StorageError(f"{error.message}\n只想做题、这次不记进度，加 --no-save。") from error


def is_plain(settings: Settings, services: Services) -> bool:
    """Return whether everything is said in plain words: where the settings ask for it, and at a terminal that
    cannot move its cursor (`TERM=dumb`)."""
    dumb = services.environ.get("TERM", "").casefold() in _DUMB_TERMINALS
    return settings.plain or (dumb and services.interactive and services.terminal_input is None)


def progress_file(services: Services) -> Path:
    """Return where the progress of everybody on this machine lies."""
    return home_path(services.environ) / PROGRESS_NAME
