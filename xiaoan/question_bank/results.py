"""What a paper came to: points and counts, by question, 专业 and 题型."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from xiaoan.figures import number_text
from xiaoan.question_bank.answers.blank_filling import split_blanks
from xiaoan.question_bank.answers.choice_reading import read_choice, read_verdict
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.grading import Grade, Verdict
from xiaoan.question_bank.question import QuestionType, judge_word

_EMPTY_BLANK = "（空着）"
_DIGITS = 6  # of points and percents: thirds of points add up to whole ones


@dataclass(frozen=True)
class ItemResult:
    """One question of a paper as it was answered.

    `number` counts from 1; `given` is the answer as typed, '' without one; `grade` is None without one.
    """

    number: int
    shown: ShownQuestion
    points: float
    given: str
    grade: Grade | None
    earned: float
    seconds: float
    marked: bool

    @cached_property
    def given_lines(self) -> tuple[str, ...]:
        """The answer in the words of the question, as `given_lines` says it; () without one."""
        return given_lines(self.given, self.shown) if self.grade else ()

    @property
    def is_answered(self) -> bool:
        """Whether an answer was given."""
        return self.grade is not None

    @property
    def is_estimated(self) -> bool:
        """Whether nobody has judged the answer yet, so that `earned` is a suggestion (a 简答题)."""
        return self.grade is not None and self.grade.verdict is Verdict.OPEN

    @property
    def is_mistake(self) -> bool:
        """Whether there is something to learn: wrong, partly right or not answered."""
        return self.grade is None or self.grade.verdict not in (Verdict.RIGHT, Verdict.OPEN)

    @property
    def outcome(self) -> str:
        """`right`, `partly`, `wrong`, `open` (a 简答题 that nobody has judged) or `unanswered`."""
        if self.grade is None:
            return "unanswered"
        settled = (Verdict.RIGHT, Verdict.PARTLY, Verdict.OPEN)
        return self.grade.verdict.value if self.grade.verdict in settled else Verdict.WRONG.value

    def to_document(self) -> dict[str, object]:
        """Return everything about this question as JSON knows it, options and answer as they were shown."""
        question = self.shown.question
        return {
            "number": self.number,
            "id": question.id,
            "profession": question.profession,
            "type": question.question_type.value,
            "stem": question.stem,
            "options": [f"{option.label}. {option.text}" for option in self.shown.options],
            "answer": list(self.shown.answer_lines),
            "clause": question.clause,
            "explanation": self.shown.explanation,
            "given": self.given,
            "given_lines": list(self.given_lines),
            "verdict": self.outcome,
            "estimated": self.is_estimated,
            "points": self.points,
            "earned": self.earned,
            "seconds": self.seconds,
            "marked": self.marked,
        }


@dataclass(frozen=True)
class Tally:
    """Counts and points of some questions; `right`, `partly`, `wrong`, `open` and `unanswered` make up `count`.

    `open` are the 简答题 that nobody has judged; their suggested points are in `earned`.
    """

    count: int = 0
    right: int = 0
    partly: int = 0
    wrong: int = 0
    unanswered: int = 0
    open: int = 0
    earned: float = 0.0
    points: float = 0.0

    @classmethod
    def of(cls, items: Iterable[ItemResult]) -> "Tally":
        """Return the counts and points of `items`."""
        items = list(items)
        outcomes = [item.outcome for item in items]
        names = ("right", "partly", "wrong", "unanswered", "open")
        return cls(
            count=len(items),
            earned=_sum(item.earned for item in items),
            points=_sum(item.points for item in items),
            **{name: outcomes.count(name) for name in names},
        )

    @property
    def answered(self) -> int:
        """How many questions were answered."""
        return self.count - self.unanswered

    @property
    def accuracy(self) -> float | None:
        """The share from 0 to 1 of the answered and judged questions that are right; None without any."""
        judged = self.right + self.partly + self.wrong
        return self.right / judged if judged else None

    def to_document(self) -> dict[str, object]:
        """Return the counts as JSON knows them."""
        return {
            "count": self.count,
            "right": self.right,
            "partly": self.partly,
            "wrong": self.wrong,
            "unanswered": self.unanswered,
            "open": self.open,
            "earned": self.earned,
            "points": self.points,
            "accuracy": None if self.accuracy is None else round(self.accuracy, _DIGITS),
        }


@dataclass(frozen=True)
class PaperResult:
    """A paper that was handed in, or the questions of a practice that were gone through.

    `notes` say what a person should know about the paper and the points; `percent` is from 0 to 100.
    """

    title: str
    seed: int
    items: tuple[ItemResult, ...]
    elapsed_s: float
    pass_percent: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Tally:
        """The counts and points of all questions."""
        return Tally.of(self.items)

    @property
    def earned(self) -> float:
        """The points of all questions, suggested ones among them."""
        return _sum(item.earned for item in self.items)

    @property
    def points(self) -> float:
        """The points that were to be had."""
        return _sum(item.points for item in self.items)

    @property
    def estimated(self) -> float:
        """The points among `earned` that are only suggested, those of 简答题."""
        return _sum(item.earned for item in self.items if item.is_estimated)

    @property
    def percent(self) -> float:
        """The share of the points that was earned, from 0 to 100."""
        earned = math.fsum(item.earned for item in self.items)  # thirds of points are rounded only once
        points = math.fsum(item.points for item in self.items)
        return round(100 * earned / points, _DIGITS) if points else 0.0

    @property
    def passed(self) -> bool | None:
        """Whether the points reach the pass mark; None for a paper without one."""
        return None if self.pass_percent is None else round(self.percent - self.pass_percent, _DIGITS) >= 0

    @property
    def by_profession(self) -> Mapping[str, Tally]:
        """The counts of each 专业, most questions first; questions without one under ''."""
        tallies = self._grouped(lambda item: item.shown.question.profession)
        return dict(sorted(tallies.items(), key=lambda group: (-group[1].count, group[0])))

    @property
    def by_type(self) -> Mapping[str, Tally]:
        """The counts of each 题型 that the paper has, in the usual order."""
        tallies = self._grouped(lambda item: item.shown.question.question_type.value)
        return {kind.value: tallies[kind.value] for kind in QuestionType if kind.value in tallies}

    @property
    def mistakes(self) -> tuple[ItemResult, ...]:
        """The questions that were answered wrong, partly right or not at all, in the paper's order."""
        return tuple(item for item in self.items if item.is_mistake)

    def _grouped(self, name: Callable[[ItemResult], str]) -> dict[str, Tally]:
        groups: dict[str, list[ItemResult]] = {}
        for item in self.items:
            groups.setdefault(name(item), []).append(item)
        return {key: Tally.of(items) for key, items in groups.items()}

    def to_document(self) -> dict[str, object]:
        """Return everything as JSON knows it: times in seconds, `percent` and `pass_percent` from 0 to 100."""
        return {
            "title": self.title,
            "seed": self.seed,
            "earned": self.earned,
            "points": self.points,
            "percent": self.percent,
            "pass_percent": self.pass_percent,
            "passed": self.passed,
            "estimated": self.estimated,
            "elapsed_s": self.elapsed_s,
            "notes": list(self.notes),
            "total": self.total.to_document(),
            "by_profession": {name: tally.to_document() for name, tally in self.by_profession.items()},
            "by_type": {name: tally.to_document() for name, tally in self.by_type.items()},
            "items": [item.to_document() for item in self.items],
        }


def item_result(
    place: int, item: PaperItem, answer: tuple[str, Grade] | None, *, seconds: float, marked: bool
) -> ItemResult:
    """Return the result of the question at `place` (from 0) for its answer as typed and graded, if any."""
    given, grade = answer if answer is not None else ("", None)
    return ItemResult(
        number=place + 1,
        shown=item.shown,
        points=item.points,
        given=given,
        grade=grade,
        earned=item.points * grade.credit if grade else 0.0,
        seconds=seconds,
        marked=marked,
    )


def paper_result(paper: Paper, items: Sequence[ItemResult], *, elapsed_s: float) -> PaperResult:
    """Return the result of `items` of `paper`, with a note on points that are only suggested."""
    estimated = [item for item in items if item.is_estimated]
    notes = paper.notes
    if estimated:
        earned, points = (_sum(item.earned for item in estimated), _sum(item.points for item in estimated))
        notes += (
            f"简答题 {len(estimated)} 道按答到的要点估分：{number_text(earned)} 分（满分 {number_text(points)} 分），以人工评阅为准。",
        )
    return PaperResult(paper.title, paper.seed, tuple(items), elapsed_s, paper.pass_percent, notes)


def given_letters(given: str, shown: ShownQuestion) -> tuple[str, ...]:
    """Return the letters of the options that `given` names, ascending; empty where there are none to name."""
    return tuple(shown.options[place].label for place in _places(given, shown))


def given_lines(given: str, shown: ShownQuestion) -> tuple[str, ...]:
    """Return `given` in the words of the question: `B. 绝缘靴`, 正确, or what stands in each blank.

    A text that names no option comes back as typed, line by line.
    """
    question = shown.question
    places = _places(given, shown)
    if question.question_type is QuestionType.JUDGE:
        verdict = read_verdict(given, shown.options or None)
        return (verdict,) if verdict else _lines(given)
    if places:
        chosen = [shown.options[place] for place in places]
        return tuple(f"{option.label}. {option.text}" for option in chosen)
    if shown.options or question.question_type is QuestionType.SHORT:
        return _lines(given)
    blanks = split_blanks(given, len(question.answer))
    return tuple(blank.strip() or _EMPTY_BLANK for blank in blanks) if blanks else _lines(given)


def _places(given: str, shown: ShownQuestion) -> tuple[int, ...]:
    """The places, as shown, of the options that `given` names."""
    question = shown.question
    if question.question_type is QuestionType.JUDGE:
        verdict = read_verdict(given, shown.options or None)
        alike = [place for place, option in enumerate(shown.options) if judge_word(option.text) == verdict]
        return tuple(alike[:1]) if verdict else ()
    return read_choice(given, shown.options, stem=question.stem) or () if shown.options else ()


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _sum(numbers: Iterable[float]) -> float:
    return round(math.fsum(numbers), _DIGITS)
