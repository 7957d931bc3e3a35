"""An exam with everything counted: the one value of which screen, page, workbook and JSON document are made."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xiaoan.evaluation import scores
from xiaoan.evaluation.comparing import Paired, paired, pairs
from xiaoan.evaluation.sitting import Sitting
from xiaoan.figures import Share
from xiaoan.question_bank.question import QuestionType

FORM_TITLES = {
    "plain": "只有题干",
    "options": "带选项",
    "shuffled": "选项打乱",
    "circular": "选项轮换",
    "marks": "换标点",
    "noisy": "漏字",
    "spoken": "口语",
}
"""What a person reads for the name of a form; at most four characters."""


@dataclass(frozen=True)
class ModelFacts:
    """Who sat the exam: names of model, prefix and adapter, and how it ran and decided.

    `decode` is `content` or `free`; `demo` is true for the embedded demonstration model.
    """

    name: str
    prefix: str | None
    lora: str | None
    device: str
    dtype: str
    decode: str
    demo: bool = False


@dataclass(frozen=True)
class Figures:
    """Every figure of a number of sittings; see `evaluation.scores` for what each one means."""

    accuracy: scores.Accuracy
    shown_first: Share
    wrongly_verified: int
    partial_credit: float
    circular: scores.Circular | None
    letter_bias: scores.LetterBias | None
    calibration: scores.Reliability | None
    levels: dict[str, scores.LevelScore] | None
    confusion: dict[tuple[str, str], int]
    speed: scores.Speed


@dataclass(frozen=True)
class Contestant:
    """Something else that answered the same questions: `paired` is its difference from the bot, `note` a remark.

    `by_model`: a model answered, so that its letters and rotations say something.

    A contestant that could not take part has a `note` why, and no figures.
    """

    name: str
    figures: Figures | None
    paired: Paired | None = None
    note: str = ""
    by_model: bool = False


@dataclass(frozen=True)
class FormComparison:
    """The paired difference in one form, over all 题型 and by each."""

    overall: Paired
    by_type: dict[str, Paired]


@dataclass(frozen=True)
class Compared:
    """Two runs that answered the same questions; differences are those of `b` from `a`, both named for people.

    `shown_first` compares what the screen puts first, all forms together; everything else the models' own answers.
    `asked_otherwise` counts the pairs whose text was not the same (another seed, another bank).
    """

    a: str
    b: str
    overall: Paired
    by_form: dict[str, FormComparison]
    shown_first: Paired
    asked_otherwise: int = 0


@dataclass(frozen=True)
class ExamResult:
    """One exam, whole.

    Attributes:
        bank: the bank that answers were checked against, for people; empty without one.
        questions: what was asked, for people.
        model: who sat it.
        seed: of shuffles, slips and the sample.
        date: local time of the end.
        sittings: everything that was asked.
        figures: of those.
        unasked: what could not be asked, as (stem, form).
        others: whoever else answered, in the forms `others_forms`.
        beside_others: the bot's own figures in those forms; None where there are no others.
        comparison: with another run.
    """

    bank: str
    questions: str
    model: ModelFacts
    seed: int
    date: datetime
    sittings: tuple[Sitting, ...]
    figures: Figures
    unasked: tuple[tuple[str, str], ...] = ()
    others: tuple[Contestant, ...] = ()
    others_forms: tuple[str, ...] = ()
    beside_others: Figures | None = None
    comparison: Compared | None = None

    @property
    def wrong(self) -> tuple[Sitting, ...]:
        """The answers that were not right, in the order asked."""
        return tuple(sitting for sitting in self.sittings if not sitting.right)

    @property
    def question_types(self) -> tuple[str, ...]:
        """The 题型 asked, in the order of `QuestionType`."""
        return _in_order(self.figures.accuracy.by_type)

    def title_of(self, form: str) -> str:
        """Return what a person reads for the name of a form."""
        return FORM_TITLES.get(form, form)


def figures_of(sittings: Sequence[Sitting]) -> Figures:
    """Return every figure of these sittings."""
    return Figures(
        accuracy=scores.accuracy(sittings),
        shown_first=scores.shown_first(sittings),
        wrongly_verified=sum(sitting.wrongly_verified for sitting in sittings),
        partial_credit=scores.partial_credit(sittings),
        circular=scores.circular(sittings),
        letter_bias=scores.letter_bias(sittings),
        calibration=scores.calibration(sittings),
        levels=scores.levels(sittings),
        confusion=scores.confusion(sittings),
        speed=scores.speed(sittings),
    )


def compare(name_a: str, a: Sequence[Sitting], name_b: str, b: Sequence[Sitting]) -> Compared:
    """Return how run `b` differs from run `a` on what both were asked.

    Raises:
        UsageError: they have nothing in common.
    """
    rows = pairs(a, b)
    return Compared(
        a=name_a,
        b=name_b,
        overall=paired(a, b),
        by_form={
            form: _of_form([pair for pair in rows if pair[0].form == form])
            for form in dict.fromkeys(one.form for one, _ in rows)
        },
        shown_first=paired(*(_as_shown(run) for run in (a, b))),
        asked_otherwise=sum(one.asked != other.asked for one, other in rows),
    )


def _as_shown(sittings: Sequence[Sitting]) -> list[Sitting]:
    """The sittings with what the screen puts first marked in place of the model's answer."""
    return [replace(sitting, right=sitting.shown_right) for sitting in sittings]


def _of_form(rows: Sequence[tuple[Sitting, Sitting]]) -> FormComparison:
    kinds = _in_order({one.question_type for one, _ in rows})
    by_type = {kind: _paired([pair for pair in rows if pair[0].question_type == kind]) for kind in kinds}
    return FormComparison(_paired(rows), by_type)


def _paired(rows: Sequence[tuple[Sitting, Sitting]]) -> Paired:
    return paired([one for one, _ in rows], [other for _, other in rows])


def _in_order(kinds: Collection[str]) -> tuple[str, ...]:
    return tuple(kind for kind in map(str, QuestionType) if kind in kinds)
