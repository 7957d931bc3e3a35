"""A question of the exam paper as a baseline sees it, and the ways to answer it.

A baseline sits the very paper that the bot sat: the same texts, the options in the same order. It is also told what a
printed paper says over its questions, the 题型. What is right it learns from nobody; `marking` decides, as for the bot.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from xiaoan.evaluation.marking import mark_options, mark_text
from xiaoan.evaluation.paper import PaperItem
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, normalize_stem, normalize_text
from xiaoan.question_bank.question import QuestionType, judge_word


@dataclass(frozen=True)
class PaperQuestion:
    """One question of the paper; it must be one that can be asked."""

    item: PaperItem

    @property
    def id(self) -> str:
        """The question's id: whether it is one of the bank's own."""
        return self.item.question.id

    @property
    def question_type(self) -> QuestionType:
        """The 题型, as the heading on the paper says it."""
        return self.item.question.question_type

    @property
    def judges(self) -> bool:
        """Whether 正确 or 错误 is to be answered."""
        return self.question_type is QuestionType.JUDGE

    @cached_property
    def stem(self) -> str:
        """The stem as it was asked, in the one spelling: with its slips, or in other words than the bank's."""
        return normalize_stem(self.item.asked.stem)

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The option texts in the order shown, in the one spelling; empty where none were shown."""
        return tuple(normalize_text(option.text) for option in self.item.asked.options)

    def choosing(self, places: Iterable[int]) -> Sitting:
        """Return the sitting of who answers the options at these places (from 0); of none, who has no answer."""
        return mark_options(self.item, tuple(places))

    def saying(self, texts: Sequence[str]) -> Sitting:
        """Return the sitting of who writes these answer texts."""
        return mark_text(self.item, ANSWER_SEPARATOR.join(texts))

    def judging(self, verdict: str) -> Sitting:
        """Return the sitting of who answers a 判断题 with 正确 or 错误, by its option where options were shown."""
        if not self.options:
            return self.saying([verdict])
        places = [place for place, text in enumerate(self.options) if judge_word(text) == verdict]
        return self.choosing(places[:1])

    def silent(self) -> Sitting:
        """Return the sitting of who has no answer, which is wrong."""
        return mark_text(self.item, "")
