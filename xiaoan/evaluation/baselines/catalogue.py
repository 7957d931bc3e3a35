"""All baselines by name, in the order of the table, each sitting the bot's paper."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from xiaoan.errors import UsageError
from xiaoan.evaluation.baselines.bank_lookup import exact_lookup, nearest_lookup
from xiaoan.evaluation.baselines.bot_and_bank import bot_and_bank
from xiaoan.evaluation.baselines.longest_option import longest_option
from xiaoan.evaluation.baselines.majority_letter import majority_letter
from xiaoan.evaluation.baselines.paper_question import PaperQuestion
from xiaoan.evaluation.baselines.tfidf_regression import FOLDS, check_sklearn_installed, tfidf_regression
from xiaoan.evaluation.paper import PaperItem
from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.question import Question

Answers = Callable[[Sequence[PaperQuestion], Sequence[Question]], list[Sitting]]
"""Sits a paper: one sitting for each question of it, in its order, knowing the bank."""

TFIDF = "tfidf_regression"
BOT_AND_BANK = "bot_and_bank"

_ANSWERS: dict[str, Answers] = {
    "majority_letter": majority_letter,
    "longest_option": longest_option,
    "exact_lookup": exact_lookup,
    "nearest_lookup": nearest_lookup,
    TFIDF: tfidf_regression,
}

TITLES: dict[str, str] = {
    "majority_letter": "总选最常见的字母",
    "longest_option": "总选最长的选项",
    "exact_lookup": "只查题库，题干一字不差",
    "nearest_lookup": "只查题库，题干最像的一题",
    TFIDF: "TF-IDF + 逻辑回归",
    BOT_AND_BANK: "小安 + 题库",
}
"""How each is called on the screen and on pages."""


@dataclass(frozen=True)
class Baseline:
    """What one baseline made of the paper.

    `sittings` are in the paper's order; none where it could not be asked. `note` says what a reader must know of it, or
    why it is missing; it may be empty.
    """

    name: str
    title: str
    sittings: tuple[Sitting, ...]
    note: str = ""


def sit_baselines(
    paper: Iterable[PaperItem],
    bank: Sequence[Question],
    bot: Sequence[Sitting],
    *,
    clock: Callable[[], float],
) -> list[Baseline]:
    """Return what each baseline makes of the paper that the bot sat, in the order of `TITLES`.

    TF-IDF is without sittings where scikit-learn is missing: an exam does not end for that.

    Args:
        paper: `write_paper` of the exam's questions, forms and seed; what the bot did not sit is left out.
        bank: the questions that are looked up, counted and learnt from.
        bot: the bot's sittings.
        clock: seconds; each sitting gets its share of what its baseline took, learning included.
    """
    sat = {(one.id, one.form, one.turn) for one in bot}
    questions = [PaperQuestion(item) for item in paper if item.key in sat]
    found = [_sat(name, questions, bank, clock) for name in _ANSWERS]
    return [*found, Baseline(BOT_AND_BANK, TITLES[BOT_AND_BANK], tuple(bot_and_bank(bot)))]


def _sat(
    name: str, questions: Sequence[PaperQuestion], bank: Sequence[Question], clock: Callable[[], float]
) -> Baseline:
    note = ""
    if name == TFIDF:
        try:
            check_sklearn_installed()
        except UsageError as error:
            return Baseline(name, TITLES[name], (), error.message)
        note = f"题库自己的题分 {FOLDS} 份轮流考，只从另外几份里学；别的题从整个题库里学"
    started = clock()
    sittings = _ANSWERS[name](questions, bank)
    share = (clock() - started) / max(1, len(sittings))
    return Baseline(name, TITLES[name], tuple(replace(one, seconds=share) for one in sittings), note)
