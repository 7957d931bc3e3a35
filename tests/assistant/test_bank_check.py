import pytest

from tests.question_bank.factory import bank, single
from xiaoan.assistant.bank_check import CheckStatus, check, official_answer
from xiaoan.question_bank.matching import Matcher
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import Question

PERMIT = single("开工前应（ ）", ["经许可人的许可", "经签发人的许可"], "经许可人的许可")
GAS = single("断路器中的气体是（ ）", ["SF6", "N2"], "SF6")
TWO_MODALS = single("工作负责人（ ）始终在场", ["应", "应当", "宜"], "应")


@pytest.mark.parametrize(
    ("question", "options", "right", "wrong"),
    [
        (PERMIT, "A.经签发人许可 B.经许可人许可", "经许可人许可", "经签发人许可"),
        (GAS, "A.N₂ B.SF₆", "SF₆", "N₂"),
        (TWO_MODALS, "A.宜 B.应 C.应当", "应", "应当"),
    ],
)
def test_an_option_in_another_spelling_is_the_banks_option(
    question: Question, options: str, right: str, wrong: str
) -> None:
    asked = parse_question(f"{question.stem} {options}")
    match = Matcher(bank(question)).match(asked)
    assert check([right], match).status is CheckStatus.MATCH
    assert check("B", match, asked.options).status is CheckStatus.MATCH
    assert check([wrong], match).status is CheckStatus.MISMATCH
    assert check("A", match, asked.options).status is CheckStatus.MISMATCH
    assert official_answer(question, asked.options) == f"B. {question.answer[0]}"
