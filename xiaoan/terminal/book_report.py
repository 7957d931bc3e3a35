"""The wrong-question book as a list: each question with when it is due and how it went."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from xiaoan.terminal.verdict import PLAIN, QUIET, UNKNOWN, Line

if TYPE_CHECKING:
    from xiaoan.question_bank.progress import BookEntry

_GONE = "（现在的题库里没有这道题了）"


def book_lines(
    entries: "Iterable[BookEntry]",
    stems: Mapping[str, str],
    *,
    until: datetime,
    leave_after: int,
    plain: bool,
) -> Iterator[Line]:
    """Yield two lines a question: its stem, then 专业, 题型, when it is due and how often it was not right.

    `stems` are those of the bank by id, `until` is the end of today in local time.
    """
    for number, entry in enumerate(entries, 1):
        mark = f"{number}. "
        stem = stems.get(entry.question_id)
        yield Line(stem or _GONE, PLAIN if stem else QUIET, mark)
        facts = [entry.profession, entry.question_type, due_text(entry.due, until)]
        facts += [f"答错 {entry.wrong} 次", f"连对 {entry.streak}/{leave_after} 次"]
        facts += ["已收藏"] if entry.pinned else []
        due = entry.due < until
        joined = ("，" if plain else "　").join(fact for fact in facts if fact)
        yield Line(joined, UNKNOWN if due else QUIET, indent=len(mark))


def due_text(due: datetime, until: datetime) -> str:
    """Return on which local day a question is due; `until` is the end of today."""
    if due < until:
        return "今天到期"
    day = due.astimezone(until.tzinfo)
    return f"{day.month}月{day.day}日到期" if day.year == until.year else f"{day:%Y-%m-%d} 到期"
