"""The bot sits the exam: every question is asked the way a person would, and marked as a teacher would."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from xiaoan.assistant.answering import Answer, Assistant
from xiaoan.errors import UsageError
from xiaoan.evaluation.marking import mark
from xiaoan.evaluation.paper import PaperItem, write_paper
from xiaoan.evaluation.scores import share_of
from xiaoan.evaluation.sitting import Sitting
from xiaoan.figures import Share
from xiaoan.question_bank.question import Question

BATCH_SIZE = 64
"""Questions answered between two reports of progress; how many of them share a forward is the engine's to say."""


@dataclass(frozen=True)
class ExamReport:
    """All sittings of one exam, in the order of its paper.

    `unasked` are questions that cannot be asked in a form (too long, more options than letters): they are in no score.
    """

    sittings: tuple[Sitting, ...]
    unasked: tuple[tuple[Question, str], ...] = ()

    def score(self, form: str, question_type: str | None = None) -> Share:
        """Return the score of one form, over all 题型 or one of them."""
        counted = [
            one for one in self.sittings if one.form == form and question_type in (None, one.question_type)
        ]
        return share_of(counted, lambda sitting: sitting.right)

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms asked, in the order asked."""
        return tuple(dict.fromkeys(sitting.form for sitting in self.sittings))

    @property
    def question_types(self) -> tuple[str, ...]:
        """The 题型 asked, in the order first met."""
        return tuple(dict.fromkeys(sitting.question_type for sitting in self.sittings))

    @property
    def wrong(self) -> tuple[Sitting, ...]:
        """The sittings that were not right."""
        return tuple(sitting for sitting in self.sittings if not sitting.right)

    @property
    def wrongly_verified(self) -> tuple[Sitting, ...]:
        """Wrong answers that the screen would show as verified: there must be none."""
        return tuple(sitting for sitting in self.sittings if sitting.wrongly_verified)


def sit_exam(
    assistant: Assistant,
    questions: Sequence[Question],
    forms: Iterable[str],
    *,
    seed: int = 0,
    known: Iterable[Sitting] = (),
    batch_size: int = BATCH_SIZE,
    max_new_tokens: int | None = None,
    on_sittings: Callable[[Sequence[Sitting]], None] = lambda _: None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ExamReport:
    """Ask every question in every form and mark the answers. See `write_paper` for what is asked.

    Items are answered in batches of similar length, the longest first, so that too little memory shows at once; the
    report is in the order of the paper. Answers do not depend on the batch that they are made in.

    Args:
        assistant: its bank, if it has one, checks the answers; they are marked against `questions`.
        questions: what is asked; equal ones (same id) once.
        forms: names of `evaluation.forms`.
        seed: of shuffles and slips.
        known: sittings of the same exam that ended early: what they hold is not asked again. Those that are not on
            this paper (a form not asked for now) are left out.
        batch_size: items answered between two calls of the two below.
        max_new_tokens: a longer free answer is cut there; None for as far as the model goes.
        on_sittings: gets the new sittings of a batch, for a record. May raise to end the exam.
        on_progress: gets items done and items in all, once before the first batch and after each. May raise.

    Raises:
        UsageError: an unknown form.
    """
    paper = write_paper(questions, forms, seed=seed)
    found = _known_of(paper, known)
    pending, unasked = askable(item for item in paper if item.key not in found)
    pending.sort(key=lambda item: (bool(item.asked.options), len(item.text)), reverse=True)
    on_progress(len(paper) - len(pending), len(paper))
    for start in range(0, len(pending), batch_size):
        batch = pending[start : start + batch_size]
        made = []
        for item, answer in answered(assistant, batch, max_new_tokens):
            if answer is None:
                unasked.append(item)
            else:
                made.append(mark(item, answer))
        found |= {(one.id, one.form, one.turn): one for one in made}
        on_sittings(made)
        on_progress(len(paper) - len(pending) + start + len(batch), len(paper))
    return ExamReport(
        tuple(found[item.key] for item in paper if item.key in found), _questions_of(paper, unasked)
    )


def _known_of(paper: Sequence[PaperItem], known: Iterable[Sitting]) -> dict[tuple[str, str, int], Sitting]:
    """The sittings of this paper's items, asked in the very words that the paper has now."""
    texts = {item.key: item.text for item in paper}
    return {
        key: sitting
        for sitting in known
        if texts.get(key := (sitting.id, sitting.form, sitting.turn)) == sitting.asked
    }


def askable(items: Iterable[PaperItem]) -> tuple[list[PaperItem], list[PaperItem]]:
    """The items that can be read as a question, and the others."""
    askable: list[PaperItem] = []
    unasked: list[PaperItem] = []
    for item in items:
        try:
            _ = item.asked
        except UsageError:  # one question too long must not end an exam of hours
            unasked.append(item)
        else:
            askable.append(item)
    return askable, unasked


def answered(
    assistant: Assistant, batch: Sequence[PaperItem], max_new_tokens: int | None
) -> Iterator[tuple[PaperItem, Answer | None]]:
    """Yield each item with its answer; None for one that the engine does not take (more options than letters)."""
    try:
        answers = assistant.answer_all([item.asked for item in batch], max_new_tokens=max_new_tokens)
    except UsageError:  # halved until the one that cannot be asked stands alone
        middle = len(batch) // 2
        if not middle:
            yield batch[0], None
            return
        yield from answered(assistant, batch[:middle], max_new_tokens)
        yield from answered(assistant, batch[middle:], max_new_tokens)
    else:
        yield from zip(batch, answers, strict=True)


def _questions_of(
    paper: Sequence[PaperItem], unasked: Sequence[PaperItem]
) -> tuple[tuple[Question, str], ...]:
    """What could not be asked, once each question and form, in the order of the paper."""
    keys = {item.key[:2] for item in unasked}
    pairs = {item.key[:2]: (item.question, item.form) for item in paper if item.key[:2] in keys}
    return tuple(pairs.values())
