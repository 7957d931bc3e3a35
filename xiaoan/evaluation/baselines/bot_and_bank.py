"""Bot and bank together, as the screen shows them: the bank's answer where the question is the bank's, else the bot's."""

from collections.abc import Iterable
from dataclasses import replace

from xiaoan.evaluation.sitting import Sitting
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR


def bot_and_bank(sittings: Iterable[Sitting]) -> list[Sitting]:
    """Return the bot's sittings with what the screen puts first taken for the answer.

    Where that is right and the bot's own answer is not, the official answer is the one shown; where it is wrong and the
    bot's own is not, the record does not say what was shown, and the answer is left empty. What the bank confirmed,
    how sure the bot was and how long it took stay as they were.
    """
    return [_as_shown(sitting) for sitting in sittings]


def _as_shown(sitting: Sitting) -> Sitting:
    if sitting.shown_right == sitting.right:
        return sitting
    if not sitting.shown_right:
        return replace(sitting, right=False, credit=0.0, answer="", chosen=())
    return replace(
        sitting,
        right=True,
        credit=1.0,
        answer=ANSWER_SEPARATOR.join(sitting.official),
        chosen=sitting.right_labels,
    )
