import json
from dataclasses import replace

import pytest

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.question import Question
from xiaoan.question_bank.statistics import BankStatistics, bank_statistics, clause_chapter


def _bank() -> list[Question]:
    return [
        single("甲（ ）", ["停电", "验电后接地", "挂牌"], "停电"),
        single("乙（ ）", ["停电", "验电后接地", "挂牌"], "验电后接地", profession="线路"),
        single("丙（ ）", ["停电", "验电", "挂牌"], "停电"),
        multiple("丁（ ）", ["停电", "验电", "挂牌"], ["停电", "挂牌"]),
        judge("戊。", "错误"),
        judge("己。", "正确"),
        judge("庚。", "错误"),
        replace(fill("辛（ ）", ["停电"]), clause="线路安规 13.2"),
        replace(fill("壬（ ）", ["停电"]), clause=""),
    ]


def test_questions_are_counted_by_profession_type_and_chapter() -> None:
    found = bank_statistics(_bank())
    assert found.questions == 9
    assert list(found.by_profession.items()) == [("变电", 8), ("线路", 1)]
    assert list(found.by_type.items()) == [("单选题", 3), ("多选题", 1), ("判断题", 3), ("填空题", 2)]
    assert list(found.by_chapter.items()) == [("变电安规 7", 7), ("线路安规 13", 1)]
    assert found.without_clause == 1


def test_answers_are_counted_by_letter_verdict_and_number() -> None:
    found = bank_statistics(_bank())
    assert found.single_letters == {"A": 2, "B": 1}
    assert found.judgements == {"正确": 1, "错误": 2}
    assert found.multiple_sizes == {2: 1}


def test_the_longest_option_counts_where_one_alone_is_the_longest() -> None:
    longest = bank_statistics(_bank()).longest_option
    assert (longest.questions, longest.right) == (2, 1)
    assert longest.expected == pytest.approx(2 / 3)


def test_chapters_are_sorted_by_number() -> None:
    bank = [replace(judge(f"第{n}条。"), clause=f"变电安规 {n}.1") for n in (13, 7, 5)]
    assert list(bank_statistics(bank).by_chapter) == ["变电安规 5", "变电安规 7", "变电安规 13"]


@pytest.mark.parametrize(
    ("clause", "chapter"),
    [
        ("变电安规 7.3.4", "变电安规 7"),
        ("变电安规７．３．４", "变电安规 7"),
        ("变电安规 7", "变电安规 7"),
        ("《变电安规》第7.3.4条", "变电安规 7"),
        ("变电安规 7.3、8.1", "变电安规 7"),
        ("线路安规 4.4.2；变电安规 5.1", "线路安规 4"),
        ("变电安规 附录Q", "变电安规 附录Q"),
        ("变电安规 附录 q.2", "变电安规 附录Q"),
        ("GB 26860-2011", "GB 26860-2011"),
        ("GB 26860-2011 6.5.2", "GB 26860-2011 6"),
        ("Q/GDW 1799.1-2013 7.3.4", "Q/GDW 1799.1-2013 7"),
        ("建设安规(变电) 11.3.13", "建设安规(变电) 11"),
        ("5.3.7.3", "5"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_chapter_is_the_leading_number_of_a_clause(clause: str, chapter: str) -> None:
    assert clause_chapter(clause) == chapter


def test_the_document_is_json_with_shares() -> None:
    document = bank_statistics(_bank()).to_document()
    assert json.loads(json.dumps(document)) == document
    assert document["single_letters"] == {
        "A": {"count": 2, "share": 0.6667},
        "B": {"count": 1, "share": 0.3333},
    }
    assert document["longest_option"] == {"questions": 2, "right": 1, "expected": 0.7}


def test_an_empty_bank_has_empty_counts() -> None:
    assert bank_statistics([]) == BankStatistics()
