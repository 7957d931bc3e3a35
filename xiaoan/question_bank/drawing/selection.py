"""Questions that a person asks for, and which of them come up in practice and review."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion, shuffle_options
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.question import QuestionType

if TYPE_CHECKING:
    from xiaoan.question_bank.store.stored_bank import StoredBank

_BETWEEN_CLAUSES = re.compile(r"[;；\n]")
_NUMBER_OF_A_CLAUSE = re.compile(r"第?\s*(\d+(?:\.\d+)*)\s*[章节条款](?!\d)")


@dataclass(frozen=True)
class Wanted:
    """What is asked for; what is empty asks for everything.

    `clause` is a number (7.3 stands for 7.3.4 too), with the regulation's name or without; all of `words` have
    to occur in the question.
    """

    professions: tuple[str, ...] = ()
    types: tuple[QuestionType, ...] = ()
    clause: str = ""
    words: str = ""

    def __str__(self) -> str:
        asked = {
            "专业": "、".join(self.professions),
            "题型": "、".join(self.types),
            "条款": self.clause.strip(),
            "词": self.words.strip(),
        }
        return "，".join(f"{name} {value}" for name, value in asked.items() if value) or "全部题目"


def select(bank: "StoredBank", wanted: Wanted) -> list[str]:
    """Return the ids of the questions asked for, in the bank's order.

    Raises:
        UsageError: the bank has no such 专业 (says which it has), or no question is left.
    """
    ids = bank.ids(wanted.types, bank_professions(bank, wanted.professions))
    if ids and wanted.clause.strip():
        from xiaoan.question_bank.search import clause_finder

        stands_in = clause_finder(_NUMBER_OF_A_CLAUSE.sub(r" \1 ", normalize_text(wanted.clause)))
        ids = [
            question.id
            for question in bank.questions_of(ids)
            if any(map(stands_in, _BETWEEN_CLAUSES.split(question.clause)))
        ]
    if ids and wanted.words.strip():
        from xiaoan.question_bank.search import search

        found = {
            hit.question.id
            for hit in search(bank.questions_of(ids), wanted.words, limit=None)
            if not hit.missing
        }
        ids = [question_id for question_id in ids if question_id in found]
    if not ids:
        raise UsageError(f"题库里没有这样的题：{wanted}。放宽一项再试。")
    return ids


def bank_professions(bank: "StoredBank", asked: Sequence[str]) -> tuple[str, ...]:
    """Return the 专业 `asked` as the bank writes them.

    Raises:
        UsageError: the bank has one of them not; says which it has.
    """
    if not asked:
        return ()
    known: dict[str, list[str]] = {}
    for name in bank.by_profession():
        known.setdefault(normalize_text(name), []).append(name)
    missing = [name for name in asked if normalize_text(name) not in known]
    if missing:
        has = "、".join(bank.by_profession()) or "没有标专业"
        raise UsageError(f"题库里没有专业“{'”“'.join(missing)}”。题库里的专业：{has}。")
    return tuple(dict.fromkeys(written for name in asked for written in known[normalize_text(name)]))


def draw_round(
    bank: "StoredBank",
    wanted: Wanted,
    *,
    count: int | None,
    seen: Mapping[str, datetime],
    rng: random.Random,
    seed: int,
    shuffle: bool = True,
) -> Paper:
    """Return a round of practice: questions never seen first, in any order, then those seen longest ago.

    Args:
        bank: where the questions come from.
        wanted: which of them.
        count: how many at most; None for all.
        seen: when each question was last seen, by id.
        rng: where chance comes from; of its methods only `random` is used.
        seed: the number that `rng` was made from, to tell it to the person.
        shuffle: whether the options come in an order of their own.

    Raises:
        UsageError: as `select`; or `count` is no positive number.
    """
    if count is not None and count < 1:
        raise UsageError(f"题数写的是 {count}，至少要 1 题。")
    ids = in_any_order(select(bank, wanted), rng)
    ids.sort(key=lambda question_id: _last_seen(seen.get(question_id)))
    notes: tuple[str, ...] = ()
    if count is not None and len(ids) < count:
        notes = (f"这样的题只有 {len(ids)} 道，不到 {count} 道。",)
    questions = bank.questions_of(ids[:count])
    shown = [shuffle_options(one, rng) if shuffle else ShownQuestion.as_stored(one) for one in questions]
    return Paper("练习", tuple(map(PaperItem, shown)), seed, notes=notes)


def draw_known(bank: "StoredBank", ids: Sequence[str], rng: random.Random, seed: int) -> Paper:
    """Return the questions `ids` in their order, each once, options shuffled; its notes count those lost."""
    wanted = list(dict.fromkeys(ids))
    in_bank = set(bank.ids()) if wanted else set()
    kept = [question_id for question_id in wanted if question_id in in_bank]
    lost = len(wanted) - len(kept)
    notes = (f"有 {lost} 道题现在的题库里没有了，这次不出。",) if lost else ()
    items = tuple(PaperItem(shuffle_options(question, rng)) for question in bank.questions_of(kept))
    return Paper("错题复习", items, seed, notes=notes)


def in_any_order(ids: Sequence[str], rng: random.Random) -> list[str]:
    """Return `ids` in an order drawn from `rng`, the same for the same ids in whatever order they come."""
    keys = [(rng.random(), question_id) for question_id in sorted(ids)]
    return [question_id for _, question_id in sorted(keys)]


def _last_seen(when: datetime | None) -> float:
    return float("-inf") if when is None else when.timestamp()
