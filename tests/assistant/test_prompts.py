from xiaoan.assistant.prompts import (
    answer_as_trained,
    canonical_options,
    option_line,
    options_prompt,
    plain_prompt,
    prompt_for,
)
from xiaoan.question_bank.answers.choice_reading import label_options
from xiaoan.question_bank.parsing import parse_question

TYPED = "1、高压室的钥匙至少应有（　　）把。 选项：Ａ. 2; Ｂ. 3"


def test_a_model_without_a_card_gets_the_text_as_typed() -> None:
    asked = parse_question(TYPED)
    assert prompt_for(asked, frozenset()) == asked.text


def test_a_model_trained_on_stems_gets_the_normalised_stem_alone() -> None:
    asked = parse_question(TYPED)
    assert plain_prompt(asked) == "高压室的钥匙至少应有___把"
    assert prompt_for(asked, frozenset({"plain"})) == plain_prompt(asked)


def as_options_prompt(typed: str) -> str:
    asked = parse_question(typed)
    return options_prompt(plain_prompt(asked), asked.options)


def test_options_are_written_in_one_fixed_way() -> None:
    other = "高压室的钥匙至少应有()把\nA、2\nB、3"
    assert as_options_prompt(TYPED) == as_options_prompt(other) == "高压室的钥匙至少应有___把\nA. 2\nB. 3"
    assert prompt_for(parse_question(other), frozenset({"plain", "options"})) == as_options_prompt(other)


def canonical(*texts: str) -> list[str]:
    return [option_line(option) for option in canonical_options(label_options(texts))]


def test_options_have_one_order_however_they_are_shown() -> None:
    assert canonical("3", "２", "10") == canonical("10", "3", "2") == ["A. 10", "B. 2", "C. 3"]


def test_equal_options_are_shown_once() -> None:
    assert canonical("验电", "停电", "验电") == ["A. 停电", "B. 验电"]


def test_an_option_that_speaks_of_the_others_stays_last() -> None:
    assert canonical("以上都对", "验电", "停电") == ["A. 停电", "B. 验电", "C. 以上都对"]


def test_options_that_name_others_by_letter_stay_where_they_are() -> None:
    assert canonical("验电", "停电", "A和B") == ["A. 验电", "B. 停电", "C. A和B"]


def test_an_answer_is_spelled_as_it_was_trained() -> None:
    assert answer_as_trained(" 专责监护人； 工作负责人") == "专责监护人; 工作负责人"
    assert answer_as_trained("0.7 m") == "0.7m"
