"""The questions drawn for one sitting, with points, time and pass mark, as memory and JSON know them."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from functools import cached_property
from typing import Any

from xiaoan.question_bank.drawing.json_values import (
    read_flag,
    read_list,
    read_number,
    read_text,
    read_texts,
    read_whole,
)
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import Question, QuestionType, Source


@dataclass(frozen=True)
class PaperItem:
    """A question as shown, and the points that its answer earns."""

    shown: ShownQuestion
    points: float = 1.0


@dataclass(frozen=True)
class Paper:
    """What one person is asked in one sitting.

    `notes` are what a person should know of the drawing (多选题只有 3 道，少 12 道). ValueError for a question
    that is in it twice.
    """

    title: str
    items: tuple[PaperItem, ...]
    seed: int
    limit_s: float | None = None
    pass_percent: float | None = None
    partial_credit: PartialCredit = PartialCredit.NONE
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [item.shown.question.id for item in self.items]
        if len(set(ids)) < len(ids):
            raise ValueError("a question is in the paper twice")

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def points(self) -> float:
        """What all answers together can earn."""
        return round(sum(item.points for item in self.items), 6)

    def to_document(self) -> dict[str, Any]:
        """Return everything as JSON knows it; the questions whole, so that no bank is needed to go on."""
        return {
            "title": self.title,
            "seed": self.seed,
            "limit_s": self.limit_s,
            "pass_percent": self.pass_percent,
            "partial_credit": self.partial_credit.value,
            "notes": list(self.notes),
            "items": [
                {
                    "points": item.points,
                    "order": list(item.shown.order),
                    "question": _question_document(item.shown.question),
                }
                for item in self.items
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Paper":
        """Return the paper that `to_document` wrote. Raises ValueError for what is none."""
        try:
            return cls(
                title=read_text(document["title"]),
                items=tuple(map(_item, read_list(document["items"]))),
                seed=read_whole(document["seed"]),
                limit_s=_number_or_none(document["limit_s"]),
                pass_percent=_number_or_none(document["pass_percent"]),
                partial_credit=PartialCredit(document["partial_credit"]),
                notes=read_texts(document["notes"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no paper: {error!r}") from error


def _question_document(question: Question) -> dict[str, Any]:
    fields = {field.name: getattr(question, field.name) for field in dataclass_fields(question)}
    return {
        **fields,
        "id": question.id,
        "options": list(question.options),
        "answer": list(question.answer),
        "question_type": question.question_type.value,
        "sources": [[source.file, source.sheet, source.row] for source in question.sources],
    }


def _item(document: Mapping[str, Any]) -> PaperItem:
    order = tuple(map(read_whole, read_list(document["order"])))
    return PaperItem(ShownQuestion(_question(document["question"]), order), read_number(document["points"]))


def _question(document: Mapping[str, Any]) -> Question:
    """The question as it was stored, under the id that it had then."""
    fields: dict[str, Any] = {
        "stem": read_text(document["stem"]),
        "options": read_texts(document["options"]),
        "answer": read_texts(document["answer"]),
        "clause": read_text(document["clause"]),
        "profession": read_text(document["profession"]),
        "question_type": QuestionType(document["question_type"]),
        "sources": tuple(map(_source, read_list(document["sources"]))),
        "explanation": read_text(document["explanation"]),
        "any_order": read_flag(document["any_order"]),
    }
    checked = Question(**fields)  # raises ValueError for what is no question
    if (checked.options, checked.answer) != (fields["options"], fields["answer"]):
        raise ValueError(f"no question is stored like this: {fields['stem']!r}")
    return Question.known(read_text(document["id"]), **fields)


def _source(document: object) -> Source:
    file, sheet, row = read_list(document)
    return Source(read_text(file), read_text(sheet), read_whole(row))


def _number_or_none(value: object) -> float | None:
    return None if value is None else read_number(value)
