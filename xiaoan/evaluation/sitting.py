"""One question of an exam, as it was asked, answered and graded: a flat record that files can hold.

Every figure, table and report is made of these alone, so an exam that was interrupted, or sat last year, counts the
same as one that has just ended.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Sitting:
    """One question asked once.

    Attributes:
        id: the question's.
        form: name of `evaluation.forms`.
        turn: 0, or the number of the rotation in `circular`.
        question_type: 单选题, 多选题, 判断题 ….
        profession: may be empty.
        clause: may be empty.
        stem: as the bank writes it.
        official: the right answer's texts.
        asked: the text that was asked, options included.
        options: the option texts in the order shown; empty where none were shown.
        right_labels: the labels of the right options as shown; empty where none were shown.
        answer: what was answered: option texts with the labels shown, or a free text.
        chosen: the labels of the options that were answered; empty for a free text that names none.
        right: whether the answer is the official one, the whole of it.
        credit: from 0 to 1: the share of the right options where no wrong one was chosen (少选给分).
        status: what the bank said (`match`, `mismatch`, `not_found`, `ambiguous`); None without a bank.
        shown_from: `bank`, `model` or `none`, as in `Answer`.
        shown_right: whether what the screen puts first is the official answer.
        confidence: calibrated probability of being right; None where nobody has measured it.
        seconds: that it took, in a batch its share.
        tokens: decoded; 0 where options were decided by content.
    """

    id: str
    form: str
    turn: int
    question_type: str
    profession: str
    clause: str
    stem: str
    official: tuple[str, ...]
    asked: str
    options: tuple[str, ...]
    right_labels: tuple[str, ...]
    answer: str
    chosen: tuple[str, ...]
    right: bool
    credit: float
    status: str | None
    shown_from: str
    shown_right: bool
    confidence: float | None
    seconds: float
    tokens: int

    @property
    def wrongly_verified(self) -> bool:
        """A wrong answer that the screen shows as verified: there must be none."""
        return self.status == "match" and not self.right

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Sitting":
        """Return the sitting of such a document.

        Raises:
            TypeError: fields are missing or unknown.
        """
        lists = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
        return cls(**{**document, **lists})
