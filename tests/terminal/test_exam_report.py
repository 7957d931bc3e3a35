"""The report of an exam at the widths that people have, and for people who listen."""

from dataclasses import replace

import pytest

from tests.exams import (
    ALONE,
    BOOTS,
    WRONG,
    result_of,
    sittings_of,
    small_exam,
    with_comparison,
    with_others,
)
from tests.reports.page_reading import HOSTILE
from tests.terminal.shown import shown
from xiaoan.evaluation.exam_results import ExamResult
from xiaoan.figures import Share
from xiaoan.terminal.exam_report import comparison_lines, exam_lines, p_text, points_text, share_text


def text_of(result: ExamResult, width: int = 80, *, plain: bool = False) -> str:
    return shown(exam_lines(result, width=width, plain=plain), width, plain=plain)


def compared(result: ExamResult, width: int = 80, *, plain: bool = False) -> str:
    assert result.comparison is not None
    return shown(comparison_lines(result.comparison, result, width=width, plain=plain), width, plain=plain)


def test_the_whole_report_at_eighty_columns() -> None:
    assert text_of(with_others(result_of(small_exam()[:14]))) == (
        "考试：小题库.xlsx（14 题）\n"
        "xiaoan-demo（演示模型），前缀 xiaoan-demo-prefix，cpu，float32，按内容选\n"
        "14 题，问了 14 次；对照题库：小题库.xlsx（14 题）；种子 7\n"
        "\n"
        "模型自己答对的（题库不帮忙）\n"
        "问法              全部        单选题        判断题\n"
        "带选项  85.7%（60–96）  90%（59–99）  75%（30–96）\n"
        "括号里是 95% 置信区间；合计的区间按不同的题数算。\n"
        "\n"
        "专业  次数          答对\n"
        "变电    10  90%（59–99）\n"
        "配电     4  75%（30–96）\n"
        "\n"
        "屏幕上先看到的就是对的：100%（78–100）（题库有的以题库为准）\n"
        "答错却显示为“与题库一致”：0 次\n"
        "少选给分的平均得分：85.7%\n"
        "\n"
        "和别的办法比（带选项）\n"
        "办法             全部  单选题  判断题                 比小安\n"
        "小安            85.7%     90%     75%                      —\n"
        "总选最长的选项     0%      0%      0%  -85.7（-96.0到-45.7）\n"
        "“比小安”是百分点和 95% 区间，同样的题两两相比。\n"
        "TF-IDF + 逻辑回归：还缺程序库\n"
        "\n"
        "把握  次数  占全部        其中答对\n"
        "高      12   85.7%  100%（75–100）\n"
        "中       0      0%               —\n"
        "低       2   14.3%      0%（0–66）\n"
        "把握和实际平均差 7.6%（ECE），Brier 0.018；都是越小越好。\n"
        "\n"
        "单选题按正确选项的字母：B 90%；相差 0%\n"
        "判断题    小安答  次数\n"
        "应为错误    正确     1\n"
        "应为错误    错误     3\n"
        "\n"
        "每题 0.02 秒，每秒 50 题（许多题一起答）\n"
        "\n"
        "答错 2 次\n"
        "1. [带选项] 雷雨天气巡视室外高压设备应穿（ ）。　A. 绝缘鞋　B. 绝缘靴　C. 雨靴\n"
        "   小安答：A. 绝缘鞋\n"
        "   应为：绝缘靴\n"
        "   依据 变电安规 5.2，把握 35%，与题库不一致\n"
        "2. [带选项] 单人操作时可以登杆。　A. 正确　B. 错误\n"
        "   小安答：A. 绝缘鞋\n"
        "   应为：错误\n"
        "   把握 35%，与题库不一致\n"
    )


@pytest.mark.parametrize("width", [24, 50, 80, 120])
@pytest.mark.parametrize("plain", [False, True], ids=["", "plain"])
def test_it_fits_every_width(width: int, plain: bool) -> None:
    result = with_comparison(with_others(result_of()), sittings_of(5, 5))
    assert "漏字" in text_of(result, width, plain=plain)
    assert "B" in compared(result, width, plain=plain)


def test_five_forms_and_three_types_fit_eighty_columns_as_a_table() -> None:
    forms = ("plain", "options", "shuffled", "noisy", "spoken")
    several = replace(BOOTS, id="m", question_type="多选题")
    sat = [
        one
        for form in forms
        for start in (BOOTS, several, ALONE)
        for one in sittings_of(147, 13, start, form=form)
    ]
    assert "只有题干  91.9%（89–94）  91.9%（86–96）  91.9%（86–96）  91.9%（86–96）\n" in text_of(
        result_of(sat)
    )


def test_people_who_listen_hear_names_with_the_figures() -> None:
    text = text_of(with_others(result_of()), plain=True)
    assert "带选项：全部 85.7%（60–96），单选题 90%（59–99），判断题 75%（30–96）" in text
    assert "应为错误：小安答 正确，次数 2" in text
    assert not set("✓✗━─") & set(text)


def test_a_wrong_answer_shown_as_verified_stands_out() -> None:
    assert "与题库一致”：1 次" in text_of(result_of([replace(BOOTS, **{**WRONG, "status": "match"})]))


def test_only_the_first_wrong_answers_are_on_the_screen() -> None:
    text = text_of(result_of(sittings_of(0, 30)))
    assert "答错 30 次，这里是前 20 次；全部在 --html、--xlsx 或 --json 里" in text.replace("\n", "")
    assert "20. " in text
    assert "21. " not in text


def test_what_was_not_measured_is_said_to_be_so() -> None:
    text = text_of(result_of([replace(BOOTS, confidence=None, seconds=0.0)], bank=""))
    assert "没有把握可看" in text
    assert "没有对照题库" in text
    assert "没有答错的。" in text
    assert "每秒" not in text


def test_what_could_not_be_asked_is_counted() -> None:
    text = text_of(result_of(unasked=tuple((f"很长的题{n}", "options") for n in range(5))))
    assert "有 5 次没法问" in text
    assert "很长的题2" in text
    assert "很长的题3" not in text


def test_rotations_and_letters_are_shown() -> None:
    turned = [replace(BOOTS, form="circular", turn=turn) for turn in range(3)]
    assert "选项轮换：每一轮都对 100%（20–100）；每一轮答得一样 100%（20–100）" in text_of(result_of(turned))


def test_one_form_is_compared_by_type_too() -> None:
    before = [*sittings_of(5, 5), *sittings_of(1, 3, ALONE)]
    text = compared(with_comparison(result_of(), before))
    assert "带选项      14  42.9%  85.7%" in text
    assert "单选题      10    50%    90%" in text
    assert "先看到的    14   100%   100%" in text
    assert "模型自己的回答：B 更好，不像碰巧。\n屏幕上先看到的：看不出差别" in text
    assert "只有一边答过、没有算进来的：A 0 次，B 14 次。" in text


def test_several_forms_are_compared_without_types() -> None:
    before = [replace(one, asked="另一种写法") for one in small_exam()]
    text = compared(with_comparison(result_of(), before))
    assert "合计" in text
    assert "单选题" not in text
    assert "模型自己的回答：看不出差别（不等于没有差别" in text
    assert "有 28 次两边问的文字不一样" in text


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_texts_of_banks_and_models_do_nothing_to_the_terminal(hostile: str) -> None:
    hostile = hostile[:300]
    sitting = replace(
        BOOTS,
        **{**WRONG, "answer": hostile},
        asked=hostile,
        clause=hostile,
        official=(hostile,),
        profession=hostile,
    )
    assert "\x1b" not in text_of(result_of([sitting], questions=hostile, unasked=((hostile, hostile),)))


def test_shares_differences_and_p_values_are_short() -> None:
    assert share_text(Share(0, 0)) == "—"
    assert share_text(Share(63, 64)) == "98.4%（91–100）"
    assert points_text(-0.123, -0.151, 0.0) == "-12.3（-15.1到0.0）"
    assert (p_text(0.0312), p_text(0.00002), p_text(1.0)) == ("0.031", "<0.001", "1")
