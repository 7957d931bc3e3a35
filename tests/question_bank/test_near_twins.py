"""Near-twins of the shipped bank are never taken for their like; the same question written differently is found."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.question_bank.factory import bank, fill, judge, single
from tests.question_bank.near_twins import SWAPS, Twin, slips_of, twins_of, ways_to_write
from tests.question_bank.word_twins import KINDS, word_twins
from xiaoan.question_bank.finding.neutral_words import reduce_key
from xiaoan.question_bank.matching import Match, Matcher, MatchKind
from xiaoan.question_bank.normalization import match_key
from xiaoan.question_bank.parsing import parse_question
from xiaoan.question_bank.question import RIGHT, WRONG, Question, QuestionBank, QuestionType
from xiaoan.question_bank.spreadsheet import read_bank

SHIPPED = Path(__file__).parents[2] / "question_banks" / "安规示例题库.xlsx"


@cache
def shipped() -> QuestionBank:
    return read_bank([SHIPPED]).bank


@cache
def matcher() -> Matcher:
    return Matcher(shipped())


@cache
def twins() -> tuple[Twin, ...]:
    return tuple(twins_of(shipped().questions))


def asked(text: str, among: Matcher) -> Match:
    return among.match(parse_question(text))


def test_the_set_is_large_and_has_every_kind() -> None:
    kinds = Counter(twin.kind for twin in twins())
    assert sum(kinds.values()) >= 3000
    assert kinds["wrong filling"] >= 60
    assert kinds["wrong verdict"] == 150
    assert set(kinds) == {*SWAPS, "number", "wrong filling", "wrong verdict"}


def test_no_twin_is_taken_for_its_like_while_its_own_row_is_not_in_the_bank() -> None:
    taken = [twin for twin in twins() if asked(twin.text, matcher()).questions]
    assert taken == []


def test_a_wrong_filling_shows_the_question_that_it_fills() -> None:
    fillings = [twin for twin in twins() if twin.kind in ("wrong filling", "wrong verdict")]
    shown = [twin.original in asked(twin.text, matcher()).similar for twin in fillings]
    assert sum(shown) / len(shown) >= 0.99


def test_with_both_in_the_bank_each_is_found_as_itself() -> None:
    reworded = [twin for twin in twins() if "wrong" not in twin.kind]
    other_rows = [_row_of(twin) for twin in reworded]
    both = Matcher(QuestionBank([*shipped(), *other_rows]))
    for twin, row in zip(reworded, other_rows, strict=True):
        found = asked(twin.text, both).questions
        assert twin.original not in found
        assert reduce_key(match_key(row.stem)) in [reduce_key(match_key(question.stem)) for question in found]
    originals = {twin.original.id: twin.original for twin in reworded}
    mistaken = [one for one in originals.values() if asked(one.stem, both).questions != (one,)]
    assert mistaken == []


def _row_of(twin: Twin) -> Question:
    """The twin as a row of its own, with another answer where it has options."""
    original = twin.original
    if original.question_type is QuestionType.JUDGE:
        return replace(original, stem=twin.text, answer=(WRONG if original.answer == (RIGHT,) else RIGHT,))
    others = tuple(text for text in original.options if text not in original.answer)
    return replace(original, stem=twin.text, answer=others[:1] or original.answer[:1])


def unfound(texts: Iterable[tuple[Question, str, str]]) -> tuple[int, list[str]]:
    """How many were asked, and the ways and texts that did not lead to their question alone."""
    results = [
        (asked(text, matcher()).questions == (question,), f"{way}: {text}") for question, way, text in texts
    ]
    return len(results), [text for found, text in results if not found]


def test_the_same_question_in_another_form_is_found() -> None:
    count, missed = unfound(
        (question, way, text)
        for question in shipped()
        for way, text in ways_to_write(question, random.Random(question.id))
    )
    assert count > 10_000
    assert len(missed) <= 0.005 * count, missed


def test_one_slip_in_a_neutral_word_is_found() -> None:
    count, missed = unfound(
        (question, slip, text) for question in shipped() for slip, text in slips_of(question)
    )
    assert count > 1500
    assert len(missed) <= 0.05 * count, missed


TRAPS = [
    ("不在带电设备上工作时应监护", "不带电设备上工作时应监护"),
    ("将停电的设备应验电接地", "停电的设备应验电接地"),
    ("有的设备应停电后接地", "有设备应停电后接地"),
    ("电阻为10的3次方欧姆", "电阻为103次方欧姆"),
    ("相对于地的电压应测量", "相对地电压应测量"),
    ("工作负责人或许可人应到场", "工作负责人和许可人应到场"),
    ("工作人员应始终在场监护", "工作人员应始终现场监护"),
    ("停电时应先验电再接地", "停电后应先验电再接地"),
    ("已停电的设备可以接地", "未停电的设备可以接地"),
    ("设备可靠接地后才可工作", "设备可接地后才可工作"),
    ("不应当场放电的设备应挂牌", "应当场放电的设备应挂牌"),
    ("并联电容器应逐个放电", "串联电容器应逐个放电"),
    ("4 不放过原则应落实到人", "3 不放过原则应落实到人"),
    ("一、二次设备均应停电检修", "三、二次设备均应停电检修"),
    ("（一）级动火应由专人监护", "（二）级动火应由专人监护"),
    ("①号主变应先行停电检修", "②号主变应先行停电检修"),
    ("#1、#2主变应停电检修", "#3、#2主变应停电检修"),
    ("依据变电安规，（1）号主变应停电", "依据变电安规，（2）号主变应停电"),
    ("依据线路安规，验电应戴绝缘手套", "依据变电安规，验电应戴绝缘手套"),
    ("按GB 26860，验电应戴绝缘手套", "验电应戴绝缘手套"),
    ("按GB 26860-2011，验电应戴绝缘手套", "按GB 26859-2011，验电应戴绝缘手套"),
    ("根据《安全生产法》规定，验电应戴手套", "根据《电力法》规定，验电应戴手套"),
    ("依据变电安规附录A，验电应戴手套", "依据变电安规附录B，验电应戴手套"),
    ("根据南网安规，验电应戴绝缘手套", "根据国网安规，验电应戴绝缘手套"),
    ("按照工作负责人的要求，验电应戴手套", "按照工作许可人的要求，验电应戴手套"),
    ("装设接地线应使用为24 则的导线", "装设接地线应使用为16 则的导线"),
    ("工作___中应验电，并且___接地", "工作中应验电，并且接地"),
    ("两侧都不应停电检修", "两侧不都应停电检修"),
    ("无须其许可即可开始工作", "无须许可即可开始工作"),
    ("断路器还是隔离开关应停电", "断路器是隔离开关应停电"),
    ("应配备三把钥匙交专人保管", "应配备三将钥匙交专人保管"),
    ("操作人不该操作断路器停电", "操作人不操作断路器停电"),
    ("变电所用的设备应停电检修", "变电用的设备应停电检修"),
    ("检查接线是否应停电进行", "检查接线应停电进行"),
    ("其他人员应撤离到安全地点", "人员应撤离到安全地点"),
    ("非该班人员可以操作断路器", "该班人员可以操作断路器"),
    ("不属于该设备的人员应撤离", "属于该设备的人员应撤离"),
]


@pytest.mark.parametrize(("one", "other"), [*TRAPS, *((other, one) for one, other in TRAPS)])
def test_words_that_only_look_neutral_count(one: str, other: str) -> None:
    for question in (judge(other + "。（ ）"), single(other + "，是（ ）")):
        typed = question.stem.replace(other, one)
        assert asked(typed, Matcher(bank(question))).questions == ()


@pytest.mark.parametrize(
    ("options", "answer", "typed"),
    [
        (["应", "应当", "宜"], "应", "工作负责人应当始终在场"),
        (["进行", "停止", "延期"], "进行", "工作负责人始终在场"),
        (["和", "及", "或"], "和", "工作负责人及始终在场"),
        (["之前", "前", "后"], "前", "工作负责人之前始终在场"),
        (["是", "为", "非"], "是", "工作负责人为始终在场"),
        (["将", "把", "被"], "把", "工作负责人将始终在场"),
        (["其", "该", "各"], "其", "工作负责人始终在场"),
        (["均应", "应", "都不应"], "均应", "工作负责人应始终在场"),
        (["并应", "应", "或应"], "应", "工作负责人并应始终在场"),
    ],
)
def test_a_filling_of_neutral_words_is_taken_letter_by_letter(
    options: list[str], answer: str, typed: str
) -> None:
    question = single("工作负责人（ ）始终在场", options, answer)
    among = Matcher(bank(question))
    assert asked(typed, among).kind is MatchKind.SIMILAR
    assert asked(question.stem.replace("（ ）", answer), among).questions == (question,)


def test_a_lead_in_of_another_profession_asks_something_else() -> None:
    among = Matcher(bank(judge("验电应戴绝缘手套。", profession="变电")))
    assert asked("依据线路安规，验电应戴绝缘手套", among).questions == ()
    assert asked("依据变电安规，验电应戴绝缘手套", among).kind is MatchKind.EQUIVALENT
    assert asked("根据安规规定，验电应戴绝缘手套", among).kind is MatchKind.EQUIVALENT


def test_sentences_that_differ_beside_neutral_words_are_never_taken_for_each_other() -> None:
    pairs = list(word_twins())
    assert min(Counter(kind for kind, _, _ in pairs).values()) >= 30
    assert len(KINDS) >= 18
    taken = []
    for _, one, other in pairs:
        for banked, typed in ((one, other), (other, one)):
            for question, form in (
                (judge(banked + "。"), "{}。"),
                (single(banked + "，此时要（ ）。"), "{}，此时要（ ）。"),
            ):
                among = Matcher(bank(question))
                assert asked(question.stem, among).questions == (question,)
                taken += [(banked, typed)] if asked(form.format(typed), among).questions else []
    assert taken == []


def test_a_slip_within_a_filling_makes_it_another_filling() -> None:
    among = Matcher(
        bank(fill("停电检修时，（ ）装设接地线", ["两侧都应"]), fill("许可之后（ ）开始", ["可以"]))
    )
    for typed in ("停电检修时，两侧应装设接地线", "许可之后可开始", "许可之后（可）开始"):
        assert asked(typed, among).questions == ()
    for typed in ("停电检修的时候，两侧都应装设接地线", "许可之后可以开始"):
        assert len(asked(typed, among).questions) == 1


@pytest.mark.parametrize(
    "verdict", ["（×）", "(X)", "（x）", "【×】", "( × )", "×", "（××）", "（错）", "（F）", "(否)"]
)
def test_a_wrong_verdict_is_no_blank(verdict: str) -> None:
    among = Matcher(bank(judge("工作负责人允许变更一次。（ ）", "正确")))
    for typed in ("工作负责人允许变更一次" + verdict, f"工作负责人允许变更一次。{verdict}"):
        assert asked(typed, among).kind is MatchKind.SIMILAR
    assert asked("（×）工作负责人允许变更一次", among).questions == ()
    assert asked("工作负责人允许变更一次（×××）", among).kind is MatchKind.EQUIVALENT  # drawn as a blank


@pytest.mark.parametrize(
    "typed", ["停电地设备应悬挂标示牌", "停电的设备应悬挂标示牌", "停电设备应悬挂标示牌"]
)
def test_a_typed_ground_that_can_be_none_is_a_slip(typed: str) -> None:
    among = Matcher(bank(judge("停电的设备应悬挂标示牌。")))
    assert asked(typed, among).kind is MatchKind.EQUIVALENT


@pytest.mark.parametrize(
    ("typed", "banked"),
    [
        ("检查接地的情况", "检查接的情况"),
        ("相对地电压应测量", "相对电压应测量"),
        ("采用地电位作业法", "采用电位作业法"),
        ("两地操作应有监护", "两操作应有监护"),
        ("工作地点应有围栏", "工作的点应有围栏"),
        ("停电设备应悬挂标示牌", "停电地设备应悬挂标示牌"),
    ],
)
def test_a_real_ground_is_never_a_slip(typed: str, banked: str) -> None:
    assert asked(typed, Matcher(bank(judge(banked)))).questions == ()
