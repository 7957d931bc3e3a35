import random
from collections import Counter

from tests.fakes import ALONE, BOOTS
from tests.question_bank.factory import single
from tests.training.shipped import shipped_questions
from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.normalization import match_key, normalize_text, text_key
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import QuestionBank
from xiaoan.training.data.bank_forms import FORMS, BankRecipe, bank_source
from xiaoan.training.data.unanswerable import NOT_IN_BANK, Unanswerable


def made(count: int = 240) -> list[tuple[str, list[str]]]:
    """Stem and option texts of each example made of the shipped bank."""
    pairs = Unanswerable(shipped_questions(), FORMS).pairs(count, random.Random(5))
    assert {pair.summary for pair in pairs} == {NOT_IN_BANK}
    lines = [pair.content.split("\n") for pair in pairs]
    return [(stem, [option[3:] for option in options]) for stem, *options in lines]


def test_nothing_that_the_bank_answers_is_called_unknown() -> None:
    matcher = Matcher(QuestionBank(shipped_questions()))
    for stem, options in made():
        asked = "\n".join(
            [stem, *(f"{letter}. {text}" for letter, text in zip("ABCDEFGH", options, strict=False))]
        )
        assert matcher.match(parse_question(asked)).questions == ()


def test_the_right_option_is_gone_and_as_many_are_shown() -> None:
    banked = {question.normal_stem: question for question in shipped_questions()}
    seen = 0
    for stem, options in made():
        question = banked.get(stem)
        if question is not None:
            seen += 1
            right = {text_key(text) for text in question.answer}
            assert right.isdisjoint(map(text_key, options))
            assert len(options) == len(question.options)
            assert len(set(options)) == len(options)
    assert seen > 60


def test_another_number_is_asked_with_the_other_words_unchanged() -> None:
    keys = {reduce_key(match_key(question.stem)) for question in shipped_questions()}
    question = single("10 kV 设备的安全距离为（ ）", ["0.7 m", "1.0 m", "1.5 m"])
    pairs = Unanswerable([question], ("plain",)).pairs(30, random.Random(0))
    numbered = [pair.content for pair in pairs if "设备的安全距离为___" in pair.content]
    assert len(numbered) == 15
    assert all(
        text.removesuffix("kV设备的安全距离为___") in {"20", "30", "50", "5", "15"} for text in numbered
    )
    assert keys.isdisjoint(map(match_key, numbered))


def test_what_the_rest_of_the_bank_asks_is_not_called_unknown() -> None:
    learnt = single("10 kV 设备的安全距离为（ ）")
    others = [single(f"{number} kV 设备的安全距离为（ ）") for number in (20, 30, 5, 15)]
    pairs = Unanswerable([learnt], ("plain",), known=[learnt, *others]).pairs(20, random.Random(0))
    assert {pair.content for pair in pairs if "安全距离" in pair.content} == {"50kV设备的安全距离为___"}


def test_their_share_is_that_of_all_examples() -> None:
    pairs = bank_source(shipped_questions(), BankRecipe(unanswerable=0.2))(random.Random(1))
    share = Counter(pair.summary == NOT_IN_BANK for pair in pairs)[True] / len(pairs)
    assert abs(share - 0.2) < 0.001


def test_a_bank_of_two_questions_still_makes_them() -> None:
    pairs = Unanswerable([BOOTS, ALONE], FORMS).pairs(20, random.Random(0))
    assert len(pairs) == 20
    assert all(normalize_text(BOOTS.answer[0]) not in pair.content.split("\n")[1:] for pair in pairs)
