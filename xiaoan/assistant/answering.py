"""One question in, one answer out: streamed by the model, then held against the bank."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xiaoan.assistant.bank_check import BankCheck, CheckStatus, agrees, check, official_answer
from xiaoan.assistant.engine import Engine, ModelInfo, Piece, StopSignal, never_stop
from xiaoan.assistant.prompts import PLAIN_FORM, plain_prompt, prompt_for
from xiaoan.errors import UsageError
from xiaoan.question_bank.answers.choice_reading import read_choice
from xiaoan.question_bank.matching import Match, Matcher, MatchKind
from xiaoan.question_bank.normalization import ANSWER_SEPARATOR, clean_text, normalize_text
from xiaoan.question_bank.option_labels import AskedOption, bare_text, one_line
from xiaoan.question_bank.parsing import AskedQuestion, parse_question
from xiaoan.question_bank.question import Question, QuestionType, judge_word

LONGEST_QUESTION = 2000
"""Characters of one question; the model's whole window is 2,048 tokens, answer included."""


@dataclass(frozen=True)
class Answer:
    """A finished answer with everything that is said about it.

    `answer` is always the model's: option texts with the person's own letters if options were given. `check`
    is None when no bank is open. `stopped` says that the person cut the answer off; then nothing was checked
    but the bank's own question still stands in `check`. Times are seconds from the question, `first_token_s`
    None if nothing came.
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

    @property
    def shown_from(self) -> str:
        """`bank` when the question is the bank's own, so that the bank's answer holds; else `model`."""
        known = self.check is not None and self.check.question is not None
        return "bank" if known else "model"

    def agrees_with(self, question: Question) -> bool:
        """Return whether this is the official answer of `question`, whatever the bank in use says."""
        chosen = [option.text for option in self.asked.options if option.label in self.selected]
        return agrees(chosen, question) if chosen else agrees(self.answer, question, self.asked.options)

    def bank_answer(self, question: Question) -> str:
        """Return the bank's answer with the letters that the person saw, if there were any."""
        return official_answer(question, self.asked.options)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of this answer; the order of its keys is fixed.

        When the status is `ambiguous`, `similar` holds the questions it could be.
        """
        found = self.check or BankCheck(CheckStatus.NOT_FOUND)
        return {
            "question": self.asked.text,
            "options": [_labelled(option) for option in self.asked.options],
            "answer": self.answer,
            "selected": list(self.selected),
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
            UsageError: there is no question in `text`, or it is too long.
        """
        asked = read_question(text)
        yield from self._answer(asked, self._match, should_stop)

    def ask_known(
        self, question: Question, options: Sequence[AskedOption] = (), should_stop: StopSignal = never_stop
    ) -> Iterator[Piece | Answer]:
        """Yield what `ask` yields for a bank question put as a person would type it, with the `options` as shown.

        The answer is checked against that very question: nothing is matched, so no matcher is needed.

        Raises:
            UsageError: the question is too long.
        """
        known = Match(MatchKind.EQUIVALENT, (question,))
        yield from self._answer(_known_question(question, options), lambda _: known, should_stop)

    def _answer(
        self, asked: AskedQuestion, match: Callable[[AskedQuestion], Match | None], should_stop: StopSignal
    ) -> Iterator[Piece | Answer]:
        started = self._clock()
        first_token_s: float | None = None
        tokens, streamed = 0, ""
        chosen: tuple[AskedOption, ...] = ()
        if self._by_content(asked):
            chosen = self._choose(asked)
            first_token_s = self._clock() - started
            streamed = _join_options(chosen)
            yield Piece(streamed, tokens)
        else:
            for piece in self.engine.stream(prompt_for(asked, self.engine.info.forms), should_stop):
                if first_token_s is None:
                    first_token_s = self._clock() - started
                tokens, streamed = piece.tokens, streamed + piece.text
                yield piece
        stopped = should_stop()
        if asked.options and not chosen and not stopped:
            chosen = _read_options(streamed, asked)
        yield Answer(
            asked=asked,
            answer=_join_options(chosen) or streamed.strip(),
            selected=tuple(option.label for option in chosen),
            check=_check(asked, match(asked), "" if stopped else streamed, () if stopped else chosen),
            model=self.engine.info,
            first_token_s=first_token_s,
            total_s=self._clock() - started,
            tokens=tokens,
            stopped=stopped,
        )

    def answer(self, text: str, should_stop: StopSignal = never_stop) -> Answer:
        """Return the finished answer without showing its pieces."""
        for item in self.ask(text, should_stop):
            if isinstance(item, Answer):
                return item
        raise AssertionError("ask() ends with an Answer")

    def _by_content(self, asked: AskedQuestion) -> bool:
        return bool(asked.options) and scores_options(self.engine.info, self._decode)

    def _choose(self, asked: AskedQuestion) -> tuple[AskedOption, ...]:
        texts = [normalize_text(option.text) for option in asked.options]
        choice = self.engine.choose(plain_prompt(asked), texts, only_one=_only_one(asked))
        return tuple(asked.options[index] for index in choice.selected)

    def _match(self, asked: AskedQuestion) -> Match | None:
        return self.matcher.match(asked, asked.profession) if self.matcher is not None else None


def scores_options(info: ModelInfo, decode: str) -> bool:
    """Whether options are decided by content: as `decode` says, for "auto" as the model's training allows."""
    return PLAIN_FORM in info.forms if decode == "auto" else decode == "content"


def read_question(text: str) -> AskedQuestion:
    """Return the question read from what a person typed.

    Raises:
        UsageError: nothing is there to be asked, or it is too long.
    """
    asked = parse_question(text)
    _check_length(asked, "请一次只问一道题。")
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
    _check_length(asked, "这道题小安答不了。")
    return asked


def _check_length(asked: AskedQuestion, advice: str) -> None:
    if len(asked.text) > LONGEST_QUESTION:
        raise UsageError(f"这道题有 {len(asked.text)} 个字，一次最多 {LONGEST_QUESTION} 个字。{advice}")


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


def _only_one(asked: AskedQuestion) -> bool:
    """Whether the person's own words say that exactly one option is right. The bank is not asked."""
    if asked.question_type in (QuestionType.SINGLE, QuestionType.JUDGE):
        return True
    return all(judge_word(option.text) for option in asked.options)


def _labelled(option: AskedOption) -> str:
    return f"{option.label}. {option.text}"


def _join_options(options: tuple[AskedOption, ...]) -> str:
    return ANSWER_SEPARATOR.join(_labelled(option) for option in options)
