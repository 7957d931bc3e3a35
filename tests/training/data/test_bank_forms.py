import random
import re
from dataclasses import replace

import pytest

from tests.fakes import ALONE, BOOTS, CONTENT_INFO, KEYS, TOOLS, FakeClock, FakeEngine
from tests.question_bank.factory import fill, judge, single
from tests.training.shipped import shipped_questions
from xiaoan.assistant.answering import Assistant, read_question
from xiaoan.assistant.prompts import prompt_for
from xiaoan.errors import UsageError
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.normalization import normalize_stem, normalize_text
from xiaoan.question_bank.question import QuestionBank
from xiaoan.training.data.bank_forms import (
    FORMS,
    BankRecipe,
    bank_source,
    clean_pairs,
    forms_named,
    held_out_wordings,
    plain_pairs,
)
from xiaoan.training.data.pairs import Pair

ONCE = BankRecipe(("options",), slip_copies=0)
BANK = [KEYS, BOOTS, TOOLS, ALONE]


def test_plainly_a_question_is_its_stem_and_its_answers_in_one_fixed_order() -> None:
    pairs = plain_pairs([BOOTS, TOOLS, ALONE])
    assert [pair.content for pair in pairs] == [normalize_stem(q.stem) for q in (BOOTS, TOOLS, ALONE)]
    assert [pair.summary for pair in pairs] == ["绝缘靴", "; ".join(sorted(["护目镜", "绝缘手套"])), "错误"]


def test_the_blanks_of_a_question_are_answered_in_their_order() -> None:
    steps = fill("先（　　），再（　　），后装设接地线。", ["停电", "验电"])
    assert plain_pairs([steps]) == [Pair("先___,再___,后装设接地线", "停电; 验电")]


def test_options_stand_on_lines_and_the_letter_follows_the_answer() -> None:
    (pair,) = clean_pairs([BOOTS], ONCE, random.Random(1))
    stem, *options = pair.content.split("\n")
    assert stem == normalize_stem(BOOTS.stem)
    assert sorted(line[3:] for line in options) == sorted(BOOTS.options)
    assert pair.summary in options
    assert pair.summary.endswith(". 绝缘靴")


def test_several_answers_stand_on_lines_in_the_order_shown() -> None:
    for seed in range(10):
        (pair,) = clean_pairs([TOOLS], ONCE, random.Random(seed))
        shown = pair.content.split("\n")[1:]
        assert pair.summary.split("\n") == [line for line in shown if line[3:] in TOOLS.answer]


def test_options_are_shuffled_afresh_each_epoch_so_that_each_letter_is_right_about_as_often() -> None:
    source = bank_source([single(f"第{n}种情况的距离为（ ）") for n in range(300)], ONCE)
    first, second = source(random.Random(1)), source(random.Random(2))
    assert first != second
    assert source(random.Random(1)) == first
    letters = [pair.summary[0] for pair in first]
    assert all(70 <= letters.count(letter) <= 130 for letter in "ABC")


def test_an_option_that_speaks_of_the_others_stays_last() -> None:
    question = single("工作前应（ ）", ["停电", "验电", "以上都对"], "以上都对")
    made = {clean_pairs([question], ONCE, random.Random(seed))[0] for seed in range(10)}
    assert {pair.summary for pair in made} == {"C. 以上都对"}


def test_letters_in_an_explanation_do_not_keep_options_in_place() -> None:
    question = replace(single("距离为（ ）"), explanation="A相带电时选 A 或 B 都见过，以规程为准")
    made = {clean_pairs([question], ONCE, random.Random(seed))[0].summary[0] for seed in range(20)}
    assert made == {"A", "B", "C"}


def test_a_judgement_is_answered_by_its_word_in_every_form() -> None:
    recipe = BankRecipe(FORMS, slip_copies=1)
    pairs = bank_source([ALONE], recipe)(random.Random(3))
    assert {pair.summary for pair in pairs} == {"错误"}
    assert len(pairs) == 6


def test_what_a_form_cannot_ask_is_asked_plainly_and_once() -> None:
    bare = replace(BOOTS, options=())
    for forms in (("options",), ("spoken",), FORMS):
        pairs = clean_pairs([fill("先（ ）后接地", ["验电"])], BankRecipe(forms), random.Random(0))
        assert pairs == [Pair("先___后接地", "验电")]
    assert clean_pairs([bare], ONCE, random.Random(0)) == plain_pairs([bare])


@pytest.mark.parametrize("seed", range(3))
def test_the_assistant_asks_a_model_just_what_training_wrote(seed: int) -> None:
    recipe = BankRecipe(FORMS)
    questions = shipped_questions()[seed::8]
    for pair in (
        *clean_pairs(questions, recipe, random.Random(seed)),
        *held_out_wordings(questions, recipe, random.Random(seed)),
    ):
        assert prompt_for(read_question(pair.content), frozenset(FORMS)) == pair.content


def test_an_answer_as_trained_is_read_and_found_right_when_it_is_written_freely() -> None:
    questions = shipped_questions()[::6]
    matcher = Matcher(QuestionBank(questions))
    for question in questions:
        (pair,) = clean_pairs([question], ONCE, random.Random(question.id))
        engine = FakeEngine(CONTENT_INFO).enqueue(pair.summary)
        answer = Assistant(engine, matcher, clock=FakeClock(), decode="free").answer(pair.content)
        assert engine.queries == [pair.content]
        assert answer.agrees_with(question), pair
        assert len(answer.selected) == len(question.answer)


def test_speech_keeps_every_word_of_the_stem_and_adds_no_number_unit_or_denial() -> None:
    questions = shipped_questions()[::4]
    source = bank_source(questions, BankRecipe(("spoken",), slip_copies=0))
    stems = {question.normal_stem: question for question in questions}
    pieces = {stem: [piece for piece in stem.split("___") if piece] for stem in stems}
    asked = 0
    for pair in source(random.Random(4)):
        said = pair.content.split("\n")[0]
        stem = max(
            (stem for stem in stems if all(piece in said for piece in pieces[stem])), key=len, default=None
        )
        assert stem is not None, said
        rest = said
        spoken = [*pieces[stem], *map(normalize_text, stems[stem].options), "对不对"]
        for piece in sorted(spoken, key=len, reverse=True):
            rest = rest.replace(piece, "", 1)
        assert not re.search("[0-9A-Za-z不未无没非禁勿]", rest), (said, rest)
        asked += 1
    assert asked > len(stems)


def test_copies_with_slips_follow_the_clean_round() -> None:
    source = bank_source(BANK, BankRecipe(slip_copies=2))
    pairs = source(random.Random(0))
    assert pairs[: len(BANK)] == plain_pairs(BANK)
    assert [pair.summary for pair in pairs] == [pair.summary for pair in plain_pairs(BANK)] * 3
    assert pairs[len(BANK) :] != plain_pairs(BANK) * 2


def test_a_broken_number_of_copies_gives_a_share_of_the_questions_one() -> None:
    source = bank_source(BANK, BankRecipe(slip_copies=0.5))
    clean = {pair.summary for pair in plain_pairs(BANK)}
    drawn: set[str] = set()
    for seed in range(20):
        pairs = source(random.Random(seed))
        assert len(pairs) == len(BANK) + 2
        drawn |= {pair.summary for pair in pairs[len(BANK) :]}
    assert drawn == clean


def test_held_out_wordings_ask_every_question_and_are_never_trained_on() -> None:
    recipe = BankRecipe(FORMS, slip_copies=3)
    held = held_out_wordings(BANK, recipe, random.Random(7))
    contents = frozenset(pair.content for pair in held)
    assert {pair.summary for pair in plain_pairs(BANK)} <= {pair.summary for pair in held}
    source = bank_source(BANK, recipe, avoid=contents)
    for seed in range(60):
        assert contents.isdisjoint(pair.content for pair in source(random.Random(seed)))


def test_a_stem_without_a_character_to_lose_has_no_other_plain_wording() -> None:
    assert held_out_wordings([judge("35 kV 不应 10 kV")], BankRecipe(), random.Random(0)) == []


def test_all_stands_for_every_form_and_another_name_is_refused() -> None:
    assert forms_named(["all"]) == FORMS
    assert forms_named(["spoken", "plain", "spoken"]) == ("plain", "spoken")
    with pytest.raises(UsageError, match="没有「口语」这种形式"):
        forms_named(["plain", "口语"])
    with pytest.raises(UsageError, match="题库未收录的例子应占"):
        BankRecipe(unanswerable=0.6)
