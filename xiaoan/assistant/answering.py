"""One question in, one answer out: streamed by the model, then held against the bank."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xiaoan.assistant.approach import Approach, approach
from xiaoan.assistant.bank_check import BankCheck, CheckStatus, agrees, check, official_answer
from xiaoan.assistant.confidence import Confidence, Level
from xiaoan.assistant.engine import Engine, Evidence, ModelInfo, Piece, StopSignal, never_stop
from xiaoan.assistant.near_misses import DOUBTFUL, most_confident
from xiaoan.assistant.prompts import answer_as_trained, plain_prompt
from xiaoan.errors import UsageError
from xiaoan.question_bank.answers.choice_reading import read_choice
from xiaoan.question_bank.asked_types import are_alike, may_be_judged, verdicts_of
from xiaoan.question_bank.matching import Match, Matcher, MatchKind
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, clean_text
from xiaoan.question_bank.option_labels import AskedOption, bare_text, one_line
from xiaoan.question_bank.parsing import AskedQuestion, parse_question
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionType, judge_word

LONGEST_QUESTION = 2000
"""Characters of one question; the model's whole window is 2,048 tokens, answer included."""

MOST_OPTIONS = 26
"""Options of one question: nobody shows more than there are letters."""

UNSURE_CHOICE = "没有把握，硬要选的话："
UNSURE_WORDS = "没有把握，硬要说的话："
"""Before an answer that is none to rely on, of options and in words."""

NO_OPTIONS = "没有看到选项，答不了。"
UNREAD_OPTIONS = "选项没有读懂，答不了。"
ALIKE_OPTIONS = "选项都一样，没有可选的。"
"""Instead of an answer to a question whose options are missing, were not understood, or say all the same."""


@dataclass(frozen=True)
class Answer:
    """A finished answer with everything that is said about it.

    `answer` is always the model's: option texts with the person's own letters if options were given. `check`
    is None when no bank is open. `stopped` says that the person cut the answer off; then nothing was checked
    but the bank's own question still stands in `check`. Times are seconds from the question, `first_token_s`
    None if nothing came; of an answer made in a batch, its share of the batch's time.

    `confidence` is how sure one may be of the model's answer, None where nobody has measured it; `evidence` is what it
    was made of (the calibration is fitted on these), None where it was not asked for. `question_type` is the 题型 that
    the answer went by, `type_source` where it came from: `said` by the person, read from the `text`, or the `bank`'s.
    `needs_options`: the question speaks of options that were not given; the model answered from memory.
    """

    asked: AskedQuestion
    answer: str
    selected: tuple[str, ...]
    check: BankCheck | None
    model: ModelInfo
    first_token_s: float | None
    total_s: float
    tokens: int
    stopped: bool = False
    confidence: Confidence | None = None
    evidence: Evidence | None = None
    question_type: QuestionType | None = None
    type_source: str | None = None
    needs_options: bool = False

    @property
    def shown_from(self) -> str:
        """Whose answer is put first: the `bank`'s when the question is its own, else the `model`'s, or `none`.

        `none`: the question is not the bank's, and the model is not sure enough: at low confidence, or at any but high
        confidence where the options are missing that the question speaks of; or there is nothing to choose.
        """
        if self.check is not None and self.check.question is not None:
            return "bank"
        if are_alike(self.asked.options):
            return "none"
        level = None if self.confidence is None else self.confidence.level
        if self.needs_options:
            return "model" if level is Level.HIGH else "none"
        return "none" if level is Level.LOW else "model"

    @property
    def shown(self) -> str:
        """The model's answer as it is put before a person who has not seen it yet: with a word of doubt if need be."""
        if self.shown_from != "none" or self.stopped:
            return self.answer
        if self.refusal:
            return self.refusal
        doubt = UNSURE_WORDS if self.tokens else UNSURE_CHOICE
        return f"{doubt}{self.answer}" if self.answer else ""

    @property
    def refusal(self) -> str:
        """What is said instead of an answer; '' where the model's own is given, if with doubt."""
        if self.shown_from != "none" or self.stopped:
            return ""
        if are_alike(self.asked.options):
            return ALIKE_OPTIONS
        if self.needs_options:
            return UNREAD_OPTIONS if self.asked.unread_labels else NO_OPTIONS
        return ""

    @property
    def judges_filling(self) -> bool:
        """Whether a bank question with its official answer in the blank was judged: then 正确 is right."""
        return bool(self.check and self.check.filled) and self.question_type is QuestionType.JUDGE

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know of how the question was read, a sentence each."""
        if self.shown_from == "bank" or not self.asked.unread_labels:
            return ()
        labels = "、".join(self.asked.unread_labels)
        return (f"看到了 {labels}，但没有读成选项；请从 A 起依次写，一行一个，如“A. 停电”。",)

    def agrees_with(self, question: Question) -> bool:
        """Return whether this is the official answer of `question`, whatever the bank in use says."""
        chosen = [option.text for option in self.asked.options if option.label in self.selected]
        return agrees(chosen, question) if chosen else agrees(self.answer, question, self.asked.options)

    def bank_answer(self, question: Question) -> str:
        """Return the bank's answer with the letters that the person saw, if there were any."""
        return official_answer(question, self.asked.options)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of this answer; the order of its keys is fixed.

        When the status is `ambiguous`, `similar` holds the questions it could be. What a person is not shown
        (see `refusal`) is not in it either.
        """
        found = self.check or BankCheck(CheckStatus.NOT_FOUND)
        return {
            "question": self.asked.text,
            "options": [_labelled(option) for option in self.asked.options],
            "answer": self.refusal or self.answer,
            "selected": [] if self.refusal else list(self.selected),
            "shown_from": self.shown_from,
            "bank": {"status": str(found.status), **self._question_document(found.question)},
            "similar": [self._question_document(question) for question in found.questions or found.similar],
            "model": {
                "name": self.model.name,
                "prefix": self.model.prefix,
                "device": self.model.device,
                "dtype": self.model.dtype,
                "demo": self.model.demo,
                "lora": self.model.lora,
            },
            "timing": {
                "load_s": round(self.model.load_s, 4),
                "first_token_s": None if self.first_token_s is None else round(self.first_token_s, 4),
                "total_s": round(self.total_s, 4),
                "tokens": self.tokens,
            },
            "type": {
                "value": None if self.question_type is None else str(self.question_type),
                "source": self.type_source,
            },
            "confidence": None
            if self.confidence is None
            else {
                "probability": round(self.confidence.probability, 4),
                "level": str(self.confidence.level),
            },
            "needs_options": self.needs_options,
            "remarks": list(self.remarks),
        }

    def _question_document(self, question: Question | None) -> dict[str, Any]:
        keys = ("id", "stem", "answer", "clause", "profession", "type", "source")
        if question is None:
            return dict.fromkeys(keys)
        source = str(question.sources[0]) if question.sources else None
        values = (
            question.id,
            question.stem,
            self.bank_answer(question),
            question.clause,
            question.profession,
            str(question.question_type),
            source,
        )
        return dict(zip(keys, values, strict=True))


class Assistant:
    """Answers single-turn questions with an engine, and checks each answer against a bank."""

    def __init__(
        self,
        engine: Engine,
        matcher: Matcher | None,
        *,
        clock: Callable[[], float],
        decode: str = "auto",
    ) -> None:
        """Take the engine, the matcher (None: no bank), a clock (s) and `auto`, `free` or `content`."""
        self.engine = engine
        self.matcher = matcher
        self._clock = clock
        self._decode = decode

    def ask(self, text: str, should_stop: StopSignal = never_stop) -> Iterator[Piece | Answer]:
        """Yield the pieces of the answer as they come, then the finished `Answer`.

        Raises:
            UsageError: there is no question in `text`, it is too long or has too many options.
        """
        asked = read_question(text)
        yield from self._answer(asked, self._match, should_stop)

    def ask_known(
        self, question: Question, options: Sequence[AskedOption] = (), should_stop: StopSignal = never_stop
    ) -> Iterator[Piece | Answer]:
        """Yield what `ask` yields for a bank question put as a person would type it, with the `options` as shown.

        The answer is checked against that very question: nothing is matched, so no matcher is needed.

        Raises:
            UsageError: the question is too long or has too many options.
        """
        yield from self._answer(_known_question(question, options), lambda _: _is(question), should_stop)

    def answer(self, text: str, should_stop: StopSignal = never_stop) -> Answer:
        """Return the finished answer without showing its pieces."""
        for item in self.ask(text, should_stop):
            if isinstance(item, Answer):
                return item
        raise AssertionError("ask() ends with an Answer")

    def answer_all(
        self,
        asked: Sequence[AskedQuestion],
        *,
        known: Sequence[Question] | None = None,
        max_new_tokens: int | None = None,
    ) -> list[Answer]:
        """Return the answers that `ask` would give to the questions one by one, made in batches.

        Args:
            asked: as `read_question` reads them.
            known: the bank question that each one is, as in `ask_known`; without it they are matched.
            max_new_tokens: of a free answer; None for what the engine allows.

        Raises:
            ValueError: not as many `known` as `asked`.
        """
        started = self._clock()
        matches = map(self._match, asked) if known is None else map(_is, known)
        ways = [self._approach(one, match) for one, match in zip(asked, matches, strict=True)]
        decided = iter(self._decide([way for way in ways if way.decided is not None]))
        written = iter(self._write([way for way in ways if way.decided is None], max_new_tokens))
        outcomes = [next(decided if way.decided is not None else written) for way in ways]
        share_s = (self._clock() - started) / max(1, len(ways))
        timing = _Timing(share_s, share_s)
        return [self._finished(way, outcome, timing) for way, outcome in zip(ways, outcomes, strict=True)]

    def _answer(
        self, asked: AskedQuestion, match: Callable[[AskedQuestion], Match | None], should_stop: StopSignal
    ) -> Iterator[Piece | Answer]:
        started = self._clock()
        way = self._approach(asked, match(asked))
        if way.decided is None:
            yield from self._answer_freely(way, started, should_stop)
            return
        outcome = self._decide([way])[0]
        elapsed_s = self._clock() - started
        answer = self._finished(way, outcome, _Timing(elapsed_s, elapsed_s), stopped=should_stop())
        yield Piece(answer.shown, 0)
        yield answer

    def _answer_freely(
        self, way: Approach, started: float, should_stop: StopSignal
    ) -> Iterator[Piece | Answer]:
        """As `ask`; where nothing can be chosen, nothing is shown until it is known how sure it is."""
        first_token_s: float | None = None
        tokens, text = 0, ""
        held_back = (way.needs_options or are_alike(way.asked.options)) and not way.is_known
        for piece in self.engine.stream(way.query, should_stop):
            if first_token_s is None:
                first_token_s = self._clock() - started
            tokens, text = piece.tokens, text + piece.text
            if not held_back:
                yield piece
        stopped = should_stop()
        outcome = _Outcome(text, tokens=tokens)
        if not stopped:
            outcome = self._weighed([way], [outcome])[0]
        timing = _Timing(first_token_s, self._clock() - started)
        answer = self._finished(way, outcome, timing, stopped=stopped)
        if held_back and not stopped:
            yield Piece(answer.shown, tokens)
        yield answer

    def _decide(self, ways: Sequence[Approach]) -> list["_Outcome"]:
        """What the model decides for where there is something to decide."""
        questions = [way.decided for way in ways if way.decided is not None]
        choices = self.engine.choose_all(questions) if questions else []
        return [
            _Outcome(
                chosen=way.chosen(choice.selected),
                evidence=Evidence(choice.log_probability, choice.familiarity, way.kind),
            )
            for way, choice in zip(ways, choices, strict=True)
        ]

    def _write(self, ways: Sequence[Approach], max_new_tokens: int | None) -> list["_Outcome"]:
        """What the model writes where there is nothing to decide."""
        queries = [way.query for way in ways]
        pieces = self.engine.write_all(queries, max_new_tokens=max_new_tokens) if queries else []
        return self._weighed(ways, [_Outcome(piece.text, tokens=piece.tokens) for piece in pieces])

    def _weighed(self, ways: Sequence[Approach], outcomes: Sequence["_Outcome"]) -> list["_Outcome"]:
        """The free answers with what speaks for them, where somebody has measured what that means."""
        info = self.engine.info
        if info.calibration is None or not ways:
            return list(outcomes)
        texts = [answer_as_trained(one.text) if info.forms else one.text.strip() for one in outcomes]
        written = [(way.query, text) for way, text in zip(ways, texts, strict=True)]
        evidences = self.engine.weigh_all(written)
        return [replace(one, evidence=found) for one, found in zip(outcomes, evidences, strict=True)]

    def _finished(
        self, way: Approach, outcome: "_Outcome", timing: "_Timing", *, stopped: bool = False
    ) -> Answer:
        asked, chosen = way.asked, outcome.chosen
        if asked.options and not chosen and not stopped:
            chosen = _read_options(outcome.text, asked)
        return Answer(
            asked=asked,
            answer=_join_options(chosen) or outcome.text.strip(),
            selected=tuple(option.label for option in chosen if option.label),
            check=_check(asked, way.match, "" if stopped else outcome.text, () if stopped else chosen),
            model=self.engine.info,
            first_token_s=timing.first_token_s,
            total_s=timing.total_s,
            tokens=outcome.tokens,
            stopped=stopped,
            confidence=None if stopped else _confidence(self.engine.info, way, outcome),
            evidence=outcome.evidence,
            question_type=way.question_type,
            type_source=way.type_source,
            needs_options=way.needs_options,
        )

    def _approach(self, asked: AskedQuestion, match: Match | None) -> Approach:
        return approach(asked, match, self.engine.info, self._decode)

    def _match(self, asked: AskedQuestion) -> Match | None:
        return self.matcher.match(asked, asked.profession) if self.matcher is not None else None


@dataclass(frozen=True)
class _Outcome:
    """What came from the model: a free text, or the options decided for; `evidence` None where none was asked for."""

    text: str = ""
    chosen: tuple[AskedOption, ...] = ()
    tokens: int = 0
    evidence: Evidence | None = None


@dataclass(frozen=True)
class _Timing:
    """Seconds from the question."""

    first_token_s: float | None
    total_s: float


def _is(question: Question) -> Match:
    return Match(MatchKind.EQUIVALENT, (question,))


def _confidence(info: ModelInfo, way: Approach, outcome: _Outcome) -> Confidence | None:
    """What the model's evidence is worth, at most what an answer to a question like this one can be worth."""
    evidence = outcome.evidence
    if info.calibration is None or evidence is None or evidence.familiarity is None:
        return None
    if are_alike(way.asked.options):
        return None  # the only text there is has probability 1, whatever it says
    own = info.calibration.confidence(evidence.log_probability, evidence.familiarity, evidence.kind)
    most = most_confident(way.asked, way.match, way.question_type)
    if _is_verdict_on_nothing(way, outcome):
        most = min(most, DOUBTFUL)
    return Confidence(min(own.probability, most))


def _is_verdict_on_nothing(way: Approach, outcome: _Outcome) -> bool:
    """Whether the model says 正确 or 错误 where there is no statement, or among options of which others say more."""
    if outcome.chosen and way.asked.options:
        mixed = not way.is_known and not verdicts_of(way.asked.options)
        return mixed and any(judge_word(option.text) in (RIGHT, WRONG) for option in outcome.chosen)
    return outcome.text.strip() in (RIGHT, WRONG) and not _may_be_judged(way)


def _may_be_judged(way: Approach) -> bool:
    known = way.question_type
    return known is QuestionType.JUDGE or (known is None and may_be_judged(way.asked))


def read_question(text: str) -> AskedQuestion:
    """Return the question read from what a person typed.

    Raises:
        UsageError: nothing is there to be asked, it is too long or has too many options.
    """
    asked = parse_question(text)
    _check_size(asked, "请一次只问一道题。")
    if asked.options and not plain_prompt(asked):
        raise UsageError("只看到选项，没有题干。请把题干和选项一起贴进来，题干在前。")
    if not any(character.isalnum() for character in asked.stem):
        raise UsageError("没有看到问题。请输入一道题，如：高压室的钥匙至少应有（ ）把")
    return asked


def _known_question(question: Question, options: Sequence[AskedOption]) -> AskedQuestion:
    """A bank question as a person would type it: the stem, and one option a line."""
    text = "\n".join([question.stem, *map(_labelled, options)])
    asked = AskedQuestion(
        text=clean_text(text, keep_newlines=True),
        stem=bare_text(one_line(clean_text(question.stem, keep_newlines=True))),
        options=tuple(options),
        question_type=question.question_type,
        profession=question.profession or None,
    )
    _check_size(asked, "这道题小安答不了。")
    return asked


def _check_size(asked: AskedQuestion, advice: str) -> None:
    if len(asked.text) > LONGEST_QUESTION:
        raise UsageError(f"这道题有 {len(asked.text)} 个字，一次最多 {LONGEST_QUESTION} 个字。{advice}")
    if len(asked.options) > MOST_OPTIONS:
        raise UsageError(f"这道题有 {len(asked.options)} 个选项，一道题最多 {MOST_OPTIONS} 个。{advice}")


def _check(
    asked: AskedQuestion, match: Match | None, text: str, chosen: tuple[AskedOption, ...]
) -> BankCheck | None:
    if match is None:
        return None
    if chosen:
        # Texts, not letters: an option `2` under the label 1 must not be taken for the label 2.
        return check([option.text for option in chosen], match)
    return check(text.strip(), match, asked.options)


def _read_options(text: str, asked: AskedQuestion) -> tuple[AskedOption, ...]:
    """Return the options that a freely written answer names, as shown; empty if it cannot be read."""
    places = read_choice(text, asked.options, trust_text=True, stem=asked.stem) or ()
    return tuple(asked.options[place] for place in places)


def _labelled(option: AskedOption) -> str:
    return f"{option.label}. {option.text}" if option.label else option.text


def _join_options(options: tuple[AskedOption, ...]) -> str:
    return ANSWER_SEPARATOR.join(_labelled(option) for option in options)
