"""Every figure of an exam, computed from its sittings alone: no model, no bank, no clock.

Accuracy is the share of right answers with its 95 % Wilson interval. Where a question was asked several times (in
several forms, or in every rotation of its options) its answers are not independent of one another: a model that knows
it mostly answers all of them right. An interval over n answers to m different questions is therefore computed as if
there were m answers with the same share right. That is the widest that it can honestly be (Kish's effective sample
size of clusters whose members agree wholly); the share itself is that of all n.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from xiaoan.assistant.confidence import Confidence, Level
from xiaoan.evaluation.sitting import Sitting
from xiaoan.figures import Share
from xiaoan.question_bank.answers.choice_reading import read_verdict
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.normalization import normalize_text
from xiaoan.question_bank.option_labels import family_and_number
from xiaoan.question_bank.question import RIGHT, WRONG, QuestionType, judge_word

CIRCULAR_FORM = "circular"
"""The form in which every rotation of the options is asked; see `evaluation.forms`."""

UNREADABLE = "读不出"
"""What stands in `confusion` for an answer to a 判断题 that is neither 正确 nor 错误."""

NO_PROFESSION = "未注明"
"""What stands in `Accuracy.by_profession` for questions without one."""


@dataclass(frozen=True)
class FormAccuracy:
    """The share right in one form, over all 题型 and by each; `by_type` in the order first met."""

    overall: Share
    by_type: dict[str, Share]


@dataclass(frozen=True)
class Accuracy:
    """The share of right answers; keys in the order first met.

    `by_type` is by 题型 over all forms, `by_profession` by 专业 (`NO_PROFESSION` for none) over all forms.
    """

    overall: Share
    by_type: dict[str, Share]
    by_profession: dict[str, Share]
    by_form: dict[str, FormAccuracy]


@dataclass(frozen=True)
class Circular:
    """What is left when the options of a question are asked in every rotation; each counts questions, not answers.

    `right_in_every`: right in all rotations. `consistent`: the same option texts (or, where none could be read, the
    same words) answered in all rotations, right or wrong.
    """

    right_in_every: Share
    consistent: Share


@dataclass(frozen=True)
class LetterBias:
    """Whether a 单选题 is answered better under one letter than under another.

    `recall`: by the letter of the right option's place, the share of those questions that were answered right;
    letters ascending, none that no right option stood under. `spread`: the largest recall minus the smallest.
    """

    recall: dict[str, Share]
    spread: float


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies in [low, high), in the last bin in [low, 1]; `right` of `count` were right."""

    low: float
    high: float
    count: int
    mean_confidence: float
    right: int

    @property
    def accuracy(self) -> float:
        """The share right, from 0 to 1."""
        return self.right / self.count


@dataclass(frozen=True)
class Reliability:
    """How well confidence says how often an answer is right.

    `bins`: those that any answer fell into, ascending. `ece`: expected calibration error, the mean over answers of
    |share right − mean confidence| of their bin (Naeini et al., 2015). `brier`: the mean of (confidence − right)²
    (Brier, 1950). Both are 0 at best.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float


@dataclass(frozen=True)
class LevelScore:
    """One level of 把握: how many of its answers were right, and how many of all answers had this level."""

    right: Share
    of_all: Share


@dataclass(frozen=True)
class Speed:
    """Seconds a question, all forms alike; tokens a second of the freely decoded ones, None where nothing was."""

    seconds_per_question: float
    tokens_per_second: float | None

    @property
    def questions_per_second(self) -> float | None:
        """The inverse; None where no time passed."""
        return 1 / self.seconds_per_question if self.seconds_per_question else None


def share_of(sittings: Sequence[Sitting], is_so: Callable[[Sitting], bool]) -> Share:
    """Return how many sittings `is_so`, with the interval of as many answers as different questions (file's head)."""
    questions = len({sitting.id for sitting in sittings})
    counted = sum(map(is_so, sittings))
    return Share(counted, len(sittings), questions if questions < len(sittings) else None)


def accuracy(sittings: Sequence[Sitting]) -> Accuracy:
    """Return the share of right answers, overall and by 题型, 专业 and form; intervals as the file's head says."""
    return Accuracy(
        overall=share_of(sittings, _is_right),
        by_type=_shares_by(sittings, lambda sitting: sitting.question_type),
        by_profession=_shares_by(sittings, lambda sitting: sitting.profession or NO_PROFESSION),
        by_form={
            form: FormAccuracy(share_of(own, _is_right), _shares_by(own, lambda one: one.question_type))
            for form, own in _grouped(sittings, lambda sitting: sitting.form).items()
        },
    )


def shown_first(sittings: Sequence[Sitting]) -> Share:
    """Return how often what the screen puts first is the official answer: the bank's word, else the model's."""
    return share_of(sittings, lambda sitting: sitting.shown_right)


def partial_credit(sittings: Sequence[Sitting]) -> float:
    """Return the mean of `Sitting.credit`, from 0 to 1: some of the right options and no wrong one earn their share.

    0.0 without sittings.
    """
    return sum(sitting.credit for sitting in sittings) / len(sittings) if sittings else 0.0


def circular(sittings: Sequence[Sitting]) -> Circular | None:
    """Return what holds in every rotation, of the sittings of the form `circular`; None where there are none."""
    turned = _grouped([one for one in sittings if one.form == CIRCULAR_FORM], lambda sitting: sitting.id)
    if not turned:
        return None
    right = sum(all(map(_is_right, turns)) for turns in turned.values())
    alike = sum(len({_words_of(turn) for turn in turns}) == 1 for turns in turned.values())
    return Circular(Share(right, len(turned)), Share(alike, len(turned)))


def letter_bias(sittings: Sequence[Sitting]) -> LetterBias | None:
    """Return the recall by letter of the 单选题 that were asked with options; None where there are none.

    A label is taken for the letter of its place: ② and 2 are B.
    """
    asked = [
        one for one in sittings if one.question_type == QuestionType.SINGLE and len(one.right_labels) == 1
    ]
    if not asked:
        return None
    by_letter = _grouped(asked, lambda sitting: place_letters(_place(sitting.right_labels[0])))
    recall = {letter: share_of(by_letter[letter], _is_right) for letter in sorted(by_letter)}
    values = [share.value for share in recall.values()]
    return LetterBias(recall, max(values) - min(values))


def calibration(sittings: Sequence[Sitting], bins: int = 10) -> Reliability | None:
    """Return how confidence and accuracy go together in `bins` bins of equal width; None where nobody was confident."""
    measured = [(one.confidence, one.right) for one in sittings if one.confidence is not None]
    if not measured:
        return None
    filled: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in measured:
        filled.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, right))
    made = tuple(_bin(place / bins, (place + 1) / bins, filled[place]) for place in sorted(filled))
    count = len(measured)
    return Reliability(
        bins=made,
        ece=sum(one.count * abs(one.accuracy - one.mean_confidence) for one in made) / count,
        brier=sum((confidence - right) ** 2 for confidence, right in measured) / count,
    )


def levels(sittings: Sequence[Sitting]) -> dict[str, LevelScore] | None:
    """Return the score of each level of 把握 (`high`, `middle`, `low`, all three); None where nobody was confident."""
    measured = [(Confidence(one.confidence).level, one) for one in sittings if one.confidence is not None]
    if not measured:
        return None
    by_level = {level: [one for name, one in measured if name is level] for level in Level}
    questions = len({one.id for _, one in measured})
    independent = questions if questions < len(measured) else None
    return {
        str(level): LevelScore(share_of(own, _is_right), Share(len(own), len(measured), independent))
        for level, own in by_level.items()
    }


def confusion(sittings: Sequence[Sitting]) -> dict[tuple[str, str], int]:
    """Return how often a 判断题 whose answer is `official` was answered `given` (正确, 错误, 读不出), by that pair.

    Only pairs that happened, the official 正确 first. Empty without 判断题.
    """
    counts: dict[tuple[str, str], int] = {}
    for sitting in sittings:
        if sitting.question_type == QuestionType.JUDGE:
            pair = (judge_word(sitting.official[0]) or UNREADABLE, _verdict(sitting))
            counts[pair] = counts.get(pair, 0) + 1
    order = (RIGHT, WRONG, UNREADABLE)
    return {(one, other): counts[one, other] for one in order for other in order if (one, other) in counts}


def speed(sittings: Sequence[Sitting]) -> Speed:
    """Return how long a question took; 0.0 s without sittings."""
    total_s = sum(sitting.seconds for sitting in sittings)
    written = [sitting for sitting in sittings if sitting.tokens]
    written_s = sum(sitting.seconds for sitting in written)
    tokens = sum(sitting.tokens for sitting in written)
    return Speed(total_s / len(sittings) if sittings else 0.0, tokens / written_s if written_s else None)


def chosen_texts(sitting: Sitting) -> tuple[str, ...]:
    """Return the texts of the options answered, in the order shown; empty for a free text that names none."""
    places = sorted(_place(label) for label in sitting.chosen)
    return tuple(sitting.options[place] for place in places if place < len(sitting.options))


def _is_right(sitting: Sitting) -> bool:
    return sitting.right


def _shares_by(sittings: Sequence[Sitting], name: Callable[[Sitting], str]) -> dict[str, Share]:
    return {key: share_of(own, _is_right) for key, own in _grouped(sittings, name).items()}


def _grouped(sittings: Iterable[Sitting], key: Callable[[Sitting], str]) -> dict[str, list[Sitting]]:
    groups: dict[str, list[Sitting]] = {}
    for sitting in sittings:
        groups.setdefault(key(sitting), []).append(sitting)
    return groups


def _place(label: str) -> int:
    """The place, from 0, that a label stands for; option labels run without a gap (`option_labels.best_run`)."""
    return family_and_number(label)[1]


def _words_of(sitting: Sitting) -> frozenset[str]:
    """What was answered, whatever its labels and order."""
    return frozenset(map(normalize_text, chosen_texts(sitting) or (sitting.answer,)))


def _bin(low: float, high: float, members: Sequence[tuple[float, bool]]) -> Bin:
    mean = sum(confidence for confidence, _ in members) / len(members)
    return Bin(low, high, len(members), mean, sum(right for _, right in members))


def _verdict(sitting: Sitting) -> str:
    """正确, 错误 or `UNREADABLE`."""
    if not sitting.options:
        return read_verdict(sitting.answer) or UNREADABLE
    words = {judge_word(text) for text in chosen_texts(sitting)}
    return (words.pop() if len(words) == 1 else None) or UNREADABLE
