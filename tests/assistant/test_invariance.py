"""The answer depends on the content alone: not on the order of the options, nor on their labels, nor on its batch."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import BOOTS, KEYS, PLAIN_INFO, TOOLS, FakeClock, FakeEngine, small_bank
from xiaoan.assistant.answering import Answer, Assistant, read_question
from xiaoan.assistant.confidence import Calibration
from xiaoan.assistant.engine import Choice, Evidence, OptionQuestion, Piece, StopSignal, never_stop
from xiaoan.question_bank.letters import place_letters
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.option_labels import AskedOption
from xiaoan.question_bank.question import Question

MATCHER = Matcher(small_bank())
CALIBRATION = Calibration(temperature=1.0, familiarity_weight=0.0, bias=0.0)
CIRCLED = "①②③④⑤⑥"
STYLES = (
    lambda place: f"{place_letters(place)}. ",
    lambda place: f"（{place_letters(place)}）",
    lambda place: f"{place_letters(place).lower()}) ",
    lambda place: f"{place + 1}) ",
    lambda place: CIRCLED[place],
)
TEXTS = ("绝缘靴", "雨靴", "绝缘鞋", "护目镜", "2把", "工作负责人", "立即停电")


def opinion(prompt: str, text: str) -> float:
    """What a model that knows nothing, but always the same, makes of a text after a prompt: from 0 to 1."""
    return hashlib.sha256(f"{prompt}\n{text}".encode()).digest()[0] / 256


@dataclass
class OpinionatedEngine(FakeEngine):
    """Decides by prompt and text. It never looks at the place of an option."""

    def stream(self, query: str, should_stop: StopSignal = never_stop) -> Iterator[Piece]:
        written = TEXTS[int(opinion(query, "") * len(TEXTS))]
        for count in range(1, len(written) + 1):
            if should_stop():
                return
            yield Piece(written[count - 1], count)

    def choose_all(self, questions: Sequence[OptionQuestion]) -> list[Choice]:
        return [self._choose(question) for question in questions]

    def _choose(self, question: OptionQuestion) -> Choice:
        scores = [opinion(question.prompt, text) for text in question.options]
        first = max(range(len(scores)), key=lambda place: (scores[place], question.options[place]))
        rest = [place for place, score in enumerate(scores) if score > 0.6 and not question.only_one]
        return Choice(tuple(sorted({first, *rest})), -scores[first], 0.5)

    def weigh_all(self, written: Sequence[tuple[str, str]]) -> list[Evidence]:
        return [Evidence(-opinion(query, text), 0.5) for query, text in written]


def assistant(*, trained: str = "plain", decode: str = "auto") -> Assistant:
    info = replace(PLAIN_INFO, forms=frozenset({trained}), calibration=CALIBRATION)
    return Assistant(OpinionatedEngine(info=info), MATCHER, clock=FakeClock(), decode=decode)


def typed(stem: str, texts: Sequence[str], style: int) -> str:
    return "\n".join([stem, *(STYLES[style](place) + text for place, text in enumerate(texts))])


def content(answer: Answer) -> tuple[object, ...]:
    """All that must not change: the texts decided for, how sure that is, and what the bank says."""
    texts = {option.text for option in answer.asked.options if option.label in answer.selected}
    question = answer.check.question if answer.check else None
    return texts, answer.confidence, answer.shown_from, question, answer.question_type, answer.type_source


bank_questions = st.sampled_from([(one.stem, one.options) for one in (KEYS, BOOTS, TOOLS)])
unknown_questions = st.tuples(
    st.sampled_from(["水电厂的检修人员应穿（ ）。", "以下应穿戴的有（ ）。", "钥匙应有（ ）把。"]),
    st.lists(st.sampled_from(TEXTS), min_size=2, max_size=6, unique=True),
)


@settings(max_examples=25)
@given(
    bank_questions | unknown_questions,
    st.randoms(use_true_random=False),
    st.integers(0, len(STYLES) - 1),
    st.sampled_from(["plain", "options"]),
)
def test_order_and_labels_of_the_options_change_nothing(
    question: tuple[str, Sequence[str]], random_source: Random, style: int, trained: str
) -> None:
    stem, texts = question
    moved = random_source.sample(list(texts), len(texts))
    asking = assistant(trained=trained)
    first, second = asking.answer(typed(stem, texts, 0)), asking.answer(typed(stem, moved, style))
    assert first.selected
    assert content(first) == content(second)
    assert first.confidence is not None


def known_with_options(question: Question, texts: Sequence[str]) -> tuple[Question, list[AskedOption]]:
    return question, [AskedOption(place_letters(place), text) for place, text in enumerate(texts)]


MIXED = (
    typed(KEYS.stem, KEYS.options, 0),
    KEYS.stem,
    "单人操作时可以登杆。",
    "水电厂的检修人员不得登杆。",
    typed("水电厂应穿（ ）。", TEXTS[:4], 1),
    "下列说法正确的是（ ）。",
    "单人操作时可以登杆。A. 对 B. 错",
)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(MIXED), max_size=6), st.sampled_from(["auto", "free", "content"]))
def test_a_batch_answers_as_one_after_the_other(texts: list[str], decode: str) -> None:
    asking = assistant(decode=decode)
    together = asking.answer_all([read_question(text) for text in texts])
    assert together == [asking.answer(text) for text in texts]


def test_a_batch_of_known_questions_answers_as_one_after_the_other() -> None:
    asking = assistant()
    asked = [known_with_options(KEYS, KEYS.options), known_with_options(BOOTS, BOOTS.options[::-1])]
    alone = [list(asking.ask_known(question, options))[-1] for question, options in asked]
    parsed = [answer.asked for answer in alone if isinstance(answer, Answer)]
    assert asking.answer_all(parsed, known=[question for question, _ in asked]) == alone
