"""How sure may one be of this model's answers? It is asked what is known, and a calibration is fitted to what it answers.

Four kinds of questions tell: those it was trained on, the same ones with typing slips, the same in other words or others
of the same field, and questions of elsewhere. Each kind counts the same, however many questions it has: nobody knows
how often a person will ask which, and 12,000 questions learnt by heart must not drown 160 strange ones.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from xiaoan.assistant.answering import Assistant
from xiaoan.assistant.approach import approach
from xiaoan.assistant.confidence import Calibration, Level, Observation, fit_calibration
from xiaoan.assistant.engine import Engine
from xiaoan.errors import UsageError
from xiaoan.evaluation.exam import answered, askable
from xiaoan.evaluation.forms import SLIP_RATE
from xiaoan.evaluation.in_memory import sample_by_type
from xiaoan.evaluation.paper import PaperItem, write_paper
from xiaoan.figures import Share
from xiaoan.question_bank.matching import Matcher, MatchKind
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.slips import drop_characters

if TYPE_CHECKING:
    from torch import Tensor

    from xiaoan.chatglm.known_questions import KnownQuestions

FORMS = ("plain", "options")
"""How each question is asked: a free answer is another thing than a choice, and one calibration serves both."""

MOST_QUESTIONS = 500
"""Of a set with more a sample is asked: three numbers need no more."""

BANK, SLIPPED, HELD_OUT, OUTSIDE = "题库原题", "题库漏字", "没学过的题", "题外题"

_UNCALIBRATED = Calibration(1.0, 0.0, 0.0)
_TOGETHER = 64
_ROOM_BESIDE_ANSWER = 16


@runtime_checkable
class KnowingEngine(Engine, Protocol):
    """An engine that can be told what it was trained on."""

    def states_of(self, queries: Sequence[str]) -> "Tensor":
        """Return the state of each query `[n, hidden]`; see `chatglm.known_questions`."""
        ...

    def know(self, known: "KnownQuestions | None", calibration: Calibration | None) -> None:
        """Answer with this knowledge from now on; None for none."""
        ...


@dataclass(frozen=True)
class QuestionSet:
    """Questions of one kind, with their official answers, and what the kind is called."""

    name: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class CalibratedSet:
    """What was answered to one kind of questions, and how sure the fitted calibration is of it.

    Attributes:
        name: of the kind.
        observations: one for each answer; questions that lacked their options are not among them.
        levels: share right among the answers of each level.
    """

    name: str
    observations: tuple[Observation, ...]
    levels: dict[Level, Share]

    @property
    def right(self) -> Share:
        """How many were right."""
        return Share(sum(one.right for one in self.observations), len(self.observations))

    @property
    def high_of_right(self) -> Share:
        """How many of the right answers are shown with high confidence."""
        return Share(self.levels[Level.HIGH].right, self.right.right)

    @property
    def high_of_all(self) -> Share:
        """How many of all answers are shown with high confidence."""
        return Share(self.levels[Level.HIGH].asked, self.right.asked)


@dataclass(frozen=True)
class Calibrated:
    """A calibration, the questions that it knows, and how it does on each kind that it was fitted on."""

    known: "KnownQuestions"
    calibration: Calibration
    sets: tuple[CalibratedSet, ...]

    @property
    def learnt(self) -> CalibratedSet:
        """The questions that were trained, as they were trained."""
        return self.sets[0]

    @property
    def outside(self) -> CalibratedSet | None:
        """The questions of elsewhere, None where there were none."""
        return next((one for one in self.sets if one.name == OUTSIDE), None)

    @property
    def fitted_on(self) -> dict[str, int]:
        """How many answers to each kind it was fitted on."""
        return {one.name: len(one.observations) for one in self.sets}


def calibrate(
    engine: KnowingEngine,
    trained: Sequence[Question],
    others: Sequence[QuestionSet] = (),
    *,
    seed: int = 0,
    limit: int = MOST_QUESTIONS,
    clock: Callable[[], float] = lambda: 0.0,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Calibrated:
    """Return the calibration of `engine`, which answers with it from then on.

    Args:
        engine: with the prefix or adapter in place.
        trained: the questions that it was trained on; their slipped copies are made here.
        others: what else its answers are known for. Those of `trained` among them are not asked again.
        seed: of slips and samples.
        limit: at most so many questions of each kind are asked.
        clock: seconds.
        on_progress: gets answers made and answers in all, once before the first and after each batch. May raise.

    Raises:
        UsageError: no question could be asked.
    """
    from xiaoan.chatglm.known_questions import KnownQuestions

    prompts = _prompts(engine, write_paper(trained, FORMS, seed=seed))
    if not prompts:
        raise UsageError("题库里没有一道题能问：是空的，或题都太长。请检查题库。")
    known = KnownQuestions.of(engine.states_of(prompts))
    engine.know(known, _UNCALIBRATED)
    sets = (*_own_sets(trained, seed), *_without(trained, others))
    batches = [
        (one.name, batch)
        for one in sets
        for batch in _batches(sample_by_type(one.questions, limit, seed), seed)
    ]
    most_tokens = _most_tokens(question for one in sets for question in one.questions)
    assistant = Assistant(engine, None, clock=clock)
    total, done = sum(len(batch) for _, batch in batches), 0
    on_progress(done, total)
    observed: dict[str, list[Observation]] = {}
    for name, batch in batches:
        observed.setdefault(name, []).extend(_observations(assistant, batch, most_tokens))
        done += len(batch)
        on_progress(done, total)
    if not observed.get(BANK):
        raise UsageError("题库里没有一道题问得成，量不了把握。请用 xiaoan bank check 看看题库。")
    return _fitted(engine, known, {name: made for name, made in observed.items() if made})


def without_held_out(
    questions: Iterable[Question], held_out_ids: Iterable[str]
) -> tuple[tuple[Question, ...], list[QuestionSet]]:
    """Return the questions of a bank that were trained, and those held out (by their ids) as a set, if there are any."""
    held_out = frozenset(held_out_ids)
    parts: dict[bool, list[Question]] = {False: [], True: []}
    for question in questions:
        parts[question.id in held_out].append(question)
    return tuple(parts[False]), [QuestionSet(HELD_OUT, tuple(parts[True]))] if parts[True] else []


def outside_of(matcher: Matcher, questions: Iterable[Question]) -> tuple[Question, ...]:
    """Return those of `questions` that the matcher's bank does not have."""
    found = (MatchKind.EQUIVALENT, MatchKind.AMBIGUOUS)
    return tuple(one for one in questions if matcher.match(parse_question(one.stem)).kind not in found)


def save_calibrated(calibrated: Calibrated, folder: Path) -> Path:
    """Write the calibration beside the weights in `folder` that it was measured with; return its file.

    Raises:
        CheckpointError: there are no such weights.
        StorageError: the file cannot be written.
    """
    from xiaoan.chatglm.known_questions import save_confidence, trained_sha256

    calibration = calibrated.calibration
    return save_confidence(
        folder,
        calibrated.known,
        **calibration.numbers,
        kinds={str(kind): own.numbers for kind, own in calibration.kinds.items()},
        fitted_on=calibrated.fitted_on,
        answers_with=trained_sha256(folder),
    )


def _own_sets(trained: Sequence[Question], seed: int) -> tuple[QuestionSet, QuestionSet]:
    slipped = (
        replace(one, stem=drop_characters(one.normal_stem, SLIP_RATE, random.Random(f"{seed}-slip-{one.id}")))
        for one in trained
    )
    return QuestionSet(BANK, tuple(trained)), QuestionSet(SLIPPED, tuple(slipped))


def _without(trained: Sequence[Question], others: Sequence[QuestionSet]) -> Iterable[QuestionSet]:
    own = {question.id for question in trained}
    for one in others:
        yield replace(one, questions=tuple(question for question in one.questions if question.id not in own))


def _prompts(engine: Engine, paper: Iterable[PaperItem]) -> list[str]:
    """What the model is asked for the items of `paper`, each text once."""
    ways = (approach(item.asked, None, engine.info, "auto") for item in askable(paper)[0])
    return list(dict.fromkeys(way.query if way.decided is None else way.decided.prompt for way in ways))


def _batches(questions: Sequence[Question], seed: int) -> Iterator[list[PaperItem]]:
    """Yield what can be asked of `questions`, in every form, a batch at a time."""
    paper, _ = askable(write_paper(questions, FORMS, seed=seed))
    yield from (paper[start : start + _TOGETHER] for start in range(0, len(paper), _TOGETHER))


def _most_tokens(questions: Iterable[Question]) -> int:
    """Where a free answer is cut: one so much longer than the longest official answer is wrong anyway."""
    longest = max(sum(map(len, question.answer)) for question in questions)
    return 2 * longest + _ROOM_BESIDE_ANSWER


def _observations(assistant: Assistant, batch: Sequence[PaperItem], max_new_tokens: int) -> list[Observation]:
    """What is to be learnt from the answers to `batch`; nothing from those that nothing speaks for."""
    made = []
    for item, answer in answered(assistant, batch, max_new_tokens):
        evidence = answer.evidence if answer is not None else None
        if answer is not None and evidence is not None and evidence.familiarity is not None:
            right = answer.agrees_with(item.question)
            made.append(
                Observation(evidence.log_probability, evidence.familiarity, right, kind=evidence.kind)
            )
    return made


def _fitted(
    engine: KnowingEngine, known: "KnownQuestions", observed: Mapping[str, Sequence[Observation]]
) -> Calibrated:
    calibration = fit_calibration(list(observed.values()))
    engine.know(known, calibration)
    sets = [CalibratedSet(name, tuple(made), _levels(calibration, made)) for name, made in observed.items()]
    return Calibrated(known, calibration, tuple(sets))


def _levels(calibration: Calibration, made: Sequence[Observation]) -> dict[Level, Share]:
    levels = [calibration.confidence(one.log_probability, one.familiarity, one.kind).level for one in made]
    return {
        level: Share(
            sum(one.right for one, its in zip(made, levels, strict=True) if its is level), levels.count(level)
        )
        for level in Level
    }
