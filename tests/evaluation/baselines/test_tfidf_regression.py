import sys
from dataclasses import replace

import pytest

from tests.evaluation.baselines.papers import judge, paper, several, single
from xiaoan.errors import UsageError
from xiaoan.evaluation.baselines.tfidf_regression import FOLDS, tfidf_regression
from xiaoan.question_bank.question import Question

pytest.importorskip("sklearn")

SITES = ("杆塔", "电缆沟", "配电室", "高压室", "变压器", "断路器", "母线", "避雷器", "熔断器", "隔离开关")
BANK: list[Question] = [
    *(
        single(f"在{site}上工作前应先（ ）。", "停电验电", "停电验电", "直接触摸", "离开现场")
        for site in SITES
    ),
    *(
        several(f"检修{site}时应使用（ ）。", "AC", "绝缘手套", "湿毛巾", "护目镜", "金属梯子")
        for site in SITES
    ),
    *(judge(f"{site}停电后应当验电。", "正确") for site in SITES),
    *(judge(f"{site}带电时可以触摸。", "错误") for site in SITES),
]
"""Which options and statements are true can be told by their words."""


def test_what_the_words_tell_is_learnt_for_questions_that_were_never_seen() -> None:
    others = [
        single("在引线上工作前应先（ ）。", "停电验电", "离开现场", "停电验电", "直接触摸"),
        several("检修引线时应使用（ ）。", "BD", "湿毛巾", "绝缘手套", "金属梯子", "护目镜"),
        judge("引线停电后应当验电。", "正确"),
        judge("引线带电时可以触摸。", "错误"),
    ]
    sat = tfidf_regression(paper(others), BANK)
    assert ["".join(one.chosen) for one in sat] == ["B", "BD", "A", "B"]
    assert all(one.right for one in sat)
    plain = tfidf_regression(paper(others, "plain"), BANK)
    assert [one.answer for one in plain] == ["", "", "正确", "错误"]


def test_the_banks_own_questions_are_answered_by_who_has_not_seen_them() -> None:
    arbitrary = [judge(3 * chr(0x4E00 + n) + "。", "正确" if n % 2 else "错误") for n in range(40)]
    elsewhere = [replace(question, profession="线路") for question in arbitrary]
    own, others = (tfidf_regression(paper(asked), arbitrary) for asked in (arbitrary, elsewhere))
    assert all(one.right for one in others)
    assert sum(one.right for one in own) < 30


def test_folds_and_answers_do_not_hang_on_the_order_of_the_bank() -> None:
    asked = paper(BANK[:3], "shuffled")
    assert tfidf_regression(asked, BANK) == tfidf_regression(asked, BANK[::-1])
    assert len({int(question.id, 16) % FOLDS for question in BANK}) == FOLDS


def test_what_cannot_be_learnt_is_not_answered() -> None:
    only_true = [judge("应当验电。", "正确")]
    assert tfidf_regression(paper([judge("应当停电。", "正确")]), only_true)[0].answer == ""
    assert tfidf_regression(paper(BANK[:1]), only_true)[0].answer == ""


def test_without_scikit_learn_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"pip install 'xiaoan\[baselines\]'"):
        tfidf_regression(paper(BANK[:1]), BANK)
