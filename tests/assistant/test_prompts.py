from xiaoan.assistant.prompts import options_prompt, plain_prompt, prompt_for
from xiaoan.question_bank.parsing import parse_question

TYPED = "1、高压室的钥匙至少应有（　　）把。 选项：Ａ. 2; Ｂ. 3"


def test_a_model_without_a_card_gets_the_text_as_typed() -> None:
    asked = parse_question(TYPED)
    assert prompt_for(asked, frozenset()) == asked.text


def test_a_model_trained_on_stems_gets_the_normalised_stem_alone() -> None:
    asked = parse_question(TYPED)
    assert plain_prompt(asked) == "高压室的钥匙至少应有___把"
    assert prompt_for(asked, frozenset({"plain"})) == plain_prompt(asked)


def test_options_are_written_in_one_fixed_way() -> None:
    other = parse_question("高压室的钥匙至少应有()把\nA、2\nB、3")
    assert (
        options_prompt(parse_question(TYPED))
        == options_prompt(other)
        == "高压室的钥匙至少应有___把\nA. 2\nB. 3"
    )
    assert prompt_for(other, frozenset({"plain", "options"})) == options_prompt(other)
