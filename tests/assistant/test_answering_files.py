"""Many questions in batches: each kept before the next, none too long, none lost to its neighbour."""

from collections.abc import Sequence

import pytest

from tests.fakes import BOOTS, INFO, KEYS, FakeClock, FakeEngine
from xiaoan.assistant.answering import LONGEST_QUESTION, Answer, Assistant
from xiaoan.assistant.answering_files import Numbered, answer_in_batches, why_not
from xiaoan.assistant.kept_answers import Kept
from xiaoan.errors import UsageError
from xiaoan.question_bank.parsing import AskedQuestion, parse_question


class TimedAssistant(Assistant):
    """Takes so many seconds for a question, and refuses some."""

    def __init__(self, clock: FakeClock, seconds: float, refuses: str = "") -> None:
        super().__init__(FakeEngine(), None, clock=clock)
        self.fake_clock, self.seconds, self.refuses = clock, seconds, refuses
        self.batches: list[int] = []

    def answer_all(
        self, asked: Sequence[AskedQuestion], *, known: object = None, max_new_tokens: int | None = None
    ) -> list[Answer]:
        if any(one.stem == self.refuses for one in asked):
            raise UsageError("这道题问不了。")
        self.batches.append(len(asked))
        self.fake_clock.now_s += self.seconds * len(asked)
        return [Answer(one, one.stem, (), None, INFO, None, self.seconds, 1) for one in asked]


def numbered(count: int, text: str = KEYS.stem) -> list[Numbered]:
    return [(number, parse_question(f"{text}{number}")) for number in range(1, count + 1)]


def run(
    assistant: TimedAssistant, questions: Sequence[Numbered], stop_after: int = 10**6
) -> tuple[bool, list[tuple[int, Kept]]]:
    kept: list[tuple[int, Kept]] = []
    done = answer_in_batches(
        assistant,
        questions,
        kept.extend,
        clock=assistant.fake_clock,
        should_stop=lambda: len(kept) >= stop_after,
    )
    return done, kept


def test_every_question_is_kept_in_its_order() -> None:
    done, kept = run(TimedAssistant(FakeClock(), 0.01), numbered(200))
    assert done
    assert [number for number, _ in kept] == list(range(1, 201))
    assert kept[6][1]["shown"] == f"{KEYS.stem}7"
    assert kept[6][1]["answer"]["answer"] == f"{KEYS.stem}7"


@pytest.mark.parametrize(("seconds", "largest"), [(0.001, 64), (0.3, 10), (40.0, 8)])
def test_batches_take_about_three_seconds(seconds: float, largest: int) -> None:
    assistant = TimedAssistant(FakeClock(), seconds)
    run(assistant, numbered(200))
    assert max(assistant.batches) == largest
    assert sum(assistant.batches) == 200
    if seconds > 3:
        assert set(assistant.batches[1:]) == {1}


def test_a_stop_is_heeded_between_batches() -> None:
    done, kept = run(TimedAssistant(FakeClock(), 0.01), numbered(200), stop_after=20)
    assert (done, len(kept)) == (False, 24)


def test_one_question_that_is_refused_takes_none_along() -> None:
    questions = [*numbered(3), (4, parse_question(BOOTS.stem)), *[(5, parse_question(KEYS.stem))]]
    done, kept = run(TimedAssistant(FakeClock(), 0.01, refuses=BOOTS.stem), questions)
    assert done
    assert [number for number, _ in kept] == [1, 2, 3, 4, 5]
    assert [one.get("error") for _, one in kept] == [None, None, None, "这道题问不了。", None]


def test_what_is_too_long_or_has_too_many_options_is_not_asked() -> None:
    assert why_not(parse_question(KEYS.stem)) == ""
    assert "2100 个字" in why_not(parse_question("长" * (LONGEST_QUESTION + 100)))
