"""A text as people paste it, parted into its questions."""

import pytest

from xiaoan.question_bank.question import QuestionType
from xiaoan.question_bank.rows.pasted_questions import part_pasted

KEYS = "高压室的钥匙至少应有（ ）把。"
BOOTS = "雷雨天气巡视室外高压设备应穿（ ）。"
ALONE = "单人操作时可以登杆。"


def texts(text: str) -> list[str]:
    return [one.text for one in part_pasted(text.split("\n"))[0]]


def test_without_blank_lines_each_line_is_a_question() -> None:
    assert texts(f"{KEYS}\n{BOOTS}\n{ALONE}") == [KEYS, BOOTS, ALONE]


def test_blocks_between_blank_lines_are_questions() -> None:
    assert texts(f"{KEYS}\nA. 2\nB. 3\n\n\n{BOOTS}\n绝缘鞋或绝缘靴\n\n{ALONE}") == [
        f"{KEYS}\nA. 2\nB. 3",
        f"{BOOTS}\n绝缘鞋或绝缘靴",
        ALONE,
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("A. 2", "B. 3"),
        ("Ａ、2", "Ｂ、3"),
        ("（A）2", "（B）3"),
        ("①2", "②3"),
        ("A 2", "B 3"),
        ("A-2", "B-3"),
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n"], ids=["lines", "paragraphs"])
def test_options_belong_to_the_question_above(first: str, second: str, between: str) -> None:
    found = texts(between.join((KEYS, first, second, ALONE, BOOTS)))
    assert found == [f"{KEYS}\n{first}\n{second}", ALONE, BOOTS]


def test_numbered_questions_begin_at_their_numbers() -> None:
    found = texts(f"1. {KEYS}\nA. 2\n把\nB. 3\n2. {BOOTS}\n3. {ALONE}")
    assert found == [f"1. {KEYS}\nA. 2\n把\nB. 3", f"2. {BOOTS}", f"3. {ALONE}"]


def test_numbers_within_a_question_part_nothing() -> None:
    assert texts(f"1. 停电的措施有：\n1）停电\n2）验电\n2. {ALONE}") == [
        "1. 停电的措施有：\n1）停电\n2）验电",
        f"2. {ALONE}",
    ]


def test_headings_say_the_type_and_are_not_asked() -> None:
    lines = (
        f"安规复习题\n一、单选题（每题1分）\n1. {KEYS}\n二、判断题\n1. {ALONE}\n2. 停电后不必验电。".split(
            "\n"
        )
    )
    found, titles = part_pasted(lines)
    assert [(one.line, one.told.type) for one in found] == [
        (3, QuestionType.SINGLE),
        (5, QuestionType.JUDGE),
        (6, QuestionType.JUDGE),
    ]
    assert titles == [1, 2, 4]


def test_answers_and_explanations_are_set_aside() -> None:
    (one, two), _ = part_pasted(
        f"{KEYS}\nA. 2\nB. 3\n答案：B\n解析：三把。\n{ALONE}\n正确答案: 错误".split("\n")
    )
    assert (one.text, one.answer) == (f"{KEYS}\nA. 2\nB. 3", "B")
    assert (two.text, two.answer) == (ALONE, "错误")


def test_the_answers_of_all_questions_at_the_end_are_not_asked() -> None:
    lines = f"1. {KEYS}\n2. {BOOTS}\n\n参考答案\n1-2 BA\n\n二、判断题\n1. {ALONE}".split("\n")
    found, titles = part_pasted(lines)
    assert [one.line for one in found] == [1, 2, 8]
    assert titles == [4, 5, 7]


def test_statements_of_one_block_are_a_line_each() -> None:
    assert texts(f"{ALONE}\n停电后不必验电。\n\n{KEYS}") == [ALONE, "停电后不必验电。", KEYS]


def test_thousands_of_questions_and_endless_lines_are_parted_at_once() -> None:
    lines = [f"{number}. {KEYS}\nA. 2\nB. 3" for number in range(2000)]
    assert len(texts("\n".join(lines))) == 2000
    assert len(texts(f"{' ' * 50_000}{'1' * 50_000}")) == 1


def test_points_and_commas_number_one_list_and_a_blank_line_parts_what_has_no_number() -> None:
    lines = ["1. 甲？", "", "2. 乙？", "3、丙？", "", "", "红色的题"]
    assert [one.text for one in part_pasted(lines)[0]] == ["1. 甲？", "2. 乙？", "3、丙？", "红色的题"]
