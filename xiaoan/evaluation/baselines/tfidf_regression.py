"""Character n-grams weighted by TF-IDF, and a logistic regression on them: the usual classifier for short texts.

Each option becomes the statement that it makes in the blank, and a regression for each 题型 learns which statements of
the bank are true. So it can answer by the words alone, whatever the letters, and it can be asked what it never saw.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from xiaoan.evaluation.baselines.paper_question import PaperQuestion
from xiaoan.evaluation.sitting import Sitting
from xiaoan.extras import imported_extra
from xiaoan.question_bank.normalization import BLANK, normalize_text, text_key
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType

FOLDS = 5
"""A question of the bank itself is answered by who learnt from the other four fifths of the bank."""

_LONGEST_GRAM = 3
_STRENGTH = 10.0
"""Inverse of the penalty on large weights (C)."""

_WHOLE = -1
"""The fold of a question that is not the bank's: nothing of the bank is held out for it."""


def check_sklearn_installed() -> None:
    """Raise UsageError if the extra `baselines` is not installed."""
    _imported("sklearn")


def tfidf_regression(paper: Iterable[PaperQuestion], bank: Sequence[Question]) -> list[Sitting]:
    """Return the sittings of the regression: of a 单选题 the likeliest option, of a 多选题 all likelier than not.

    A 多选题 has one option at least. Questions with the id of one in the bank are answered in five folds, which hang on
    the ids alone; all others by what learnt from the whole bank. A stem alone has no options: there only a 判断题 is
    answered. A 题型 whose statements in the bank are all true, or all false, cannot be learnt and is not answered.

    Raises:
        UsageError: the extra `baselines` is not installed.
    """
    check_sklearn_installed()
    questions = list(paper)
    likelihoods = _Regressions(bank).likelihoods(questions)
    return [_answer(question, likely) for question, likely in zip(questions, likelihoods, strict=True)]


def _answer(question: PaperQuestion, likely: Sequence[float]) -> Sitting:
    if not likely:
        return question.silent()
    if question.judges:
        return question.judging(RIGHT if likely[0] >= 0.5 else WRONG)
    best = max(range(len(likely)), key=lambda place: (likely[place], -place))
    if question.question_type is not QuestionType.MULTIPLE:
        return question.choosing([best])
    return question.choosing([best, *(place for place, true in enumerate(likely) if true >= 0.5)])


class _Regressions:
    """A regression for each 题型 and fold that is asked."""

    def __init__(self, bank: Sequence[Question]) -> None:
        self._bank = bank
        self._ids = frozenset(question.id for question in bank)

    def likelihoods(self, questions: Sequence[PaperQuestion]) -> list[Sequence[float]]:
        """How likely each statement of each question is true; none where nothing can be said."""
        found: list[Sequence[float]] = [()] * len(questions)
        groups: dict[tuple[QuestionType, int], list[int]] = {}
        for place, question in enumerate(questions):
            if _asked_statements(question):
                fold = _fold(question.id) if question.id in self._ids else _WHOLE
                groups.setdefault((question.question_type, fold), []).append(place)
        for (question_type, fold), places in groups.items():
            regression = self._fitted(question_type, fold)
            if regression is None:
                continue
            statements = [_asked_statements(questions[place]) for place in places]
            likely = iter(regression.likelihoods([one for own in statements for one in own]))
            for place, own in zip(places, statements, strict=True):
                found[place] = [next(likely) for _ in own]
        return found

    def _fitted(self, question_type: QuestionType, held_out: int) -> "_Regression | None":
        of_type = (question for question in self._bank if question.question_type is question_type)
        return _Regression.of(question for question in of_type if _fold(question.id) != held_out)


@dataclass(frozen=True)
class _Regression:
    """The likelihood that a statement is true, from its characters."""

    vectorizer: Any
    classifier: Any

    @classmethod
    def of(cls, questions: Iterable[Question]) -> "_Regression | None":
        # Sorted, so that the order of the bank does not reach the last bits of the weights.
        statements = sorted(labelled for question in questions for labelled in _statements(question))
        if len({true for _, true in statements}) < 2:
            return None
        text, linear = _imported("sklearn.feature_extraction.text"), _imported("sklearn.linear_model")
        vectorizer = text.TfidfVectorizer(
            analyzer="char", ngram_range=(1, _LONGEST_GRAM), sublinear_tf=True, lowercase=False
        )
        classifier = linear.LogisticRegression(C=_STRENGTH, solver="liblinear", max_iter=1000)
        vectors = vectorizer.fit_transform([statement for statement, _ in statements])
        classifier.fit(vectors, [int(true) for _, true in statements])
        return cls(vectorizer, classifier)

    def likelihoods(self, statements: Sequence[str]) -> list[float]:
        return [float(row[1]) for row in self.classifier.predict_proba(self.vectorizer.transform(statements))]


def _statements(question: Question) -> list[tuple[str, bool]]:
    """What the bank says is true, and what it says is not."""
    if question.question_type is QuestionType.JUDGE:
        return [(question.normal_stem, question.answer[0] == RIGHT)]
    official = {text_key(text) for text in question.answer}
    return [(_statement(question.normal_stem, text), text_key(text) in official) for text in question.options]


def _asked_statements(question: PaperQuestion) -> list[str]:
    """What a 判断题 says, or what each option shown makes of the stem."""
    return (
        [question.stem] if question.judges else [_statement(question.stem, text) for text in question.options]
    )


def _statement(stem: str, option: str) -> str:
    """The stem with the option in its first blank, or behind it."""
    option = normalize_text(option)
    return stem.replace(BLANK, option, 1) if BLANK in stem else f"{stem} {option}"


def _fold(question_id: str) -> int:
    return int(question_id, 16) % FOLDS


def _imported(module: str) -> ModuleType:
    return imported_extra(module, extra="baselines", purpose="考 TF-IDF 这一项")
