from tests.fakes import ALONE, BOOTS, TOOLS, question
from tests.terminal.shown import shown
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.grading import PartialCredit, grade
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.results import given_lines
from xiaoan.terminal.question_view import answer_lines, question_lines, verdict_lines_of

STOP = "立即停下，报告工作负责人，等35kV引线停电、验电、接地以后再接着做"
LONG = Question(
    "在110kV变电站室外清扫绝缘子，工作班成员站在绝缘梯上，"
    "手伸得最远时离35kV带电引线只有0.5m（装了遮栏的一侧除外），此时应（ ）。",
    ("继续工作，但由工作负责人在地面上专门看住，手一靠近就提醒", STOP, "改用短一些的绝缘梯", "戴上绝缘手套"),
    (STOP,),
    "变电安规 7",
    "变电",
    QuestionType.SINGLE,
    explanation="活动范围离35kV带电部分不到0.60m，就得停电；有人看着、戴着手套，都代替不了停电。",
)
RULES = question(
    "操作中对命令有疑问时，应先（ ），再（ ）。",
    "停止操作",
    "向发令人询问清楚",
    clause="变电安规 5.3",
    question_type=QuestionType.BLANK,
)
WHY = question("为什么要先验电再装设接地线？", "防止带电挂接地线", question_type=QuestionType.SHORT)


def view(asked: Question, width: int, **how: bool | str | float) -> str:
    item = ShownQuestion.as_stored(asked)
    plain = bool(how.pop("plain", False))
    return shown(question_lines(item, 2, 5, plain=plain, **how), width, plain=plain)  # type: ignore[arg-type]


def verdict(asked: Question, given: str, width: int, *, plain: bool = False) -> str:
    item = ShownQuestion.as_stored(asked)
    found = grade(given, asked, item.options, partial_credit=PartialCredit.HALF)
    return shown(verdict_lines_of(found, item, given_lines(given, item), plain=plain), width, plain=plain)


def test_a_long_question_at_eighty_columns() -> None:
    assert view(LONG, 80) == (
        "第 2/5 题　单选题　变电\n"
        "在110kV变电站室外清扫绝缘子，工作班成员站在绝缘梯上，手伸得最远时离35kV带电引线\n"
        "只有0.5m（装了遮栏的一侧除外），此时应（ ）。\n"
        "   A. 继续工作，但由工作负责人在地面上专门看住，手一靠近就提醒\n"
        "   B. 立即停下，报告工作负责人，等35kV引线停电、验电、接地以后再接着做\n"
        "   C. 改用短一些的绝缘梯\n"
        "   D. 戴上绝缘手套\n"
    )


def test_a_long_question_at_fifty_columns() -> None:
    assert view(LONG, 50) == (
        "第 2/5 题　单选题　变电\n"
        "在110kV变电站室外清扫绝缘子，工作班成员站在绝缘梯\n"
        "上，手伸得最远时离35kV带电引线只有0.5m（装了遮栏的\n"
        "一侧除外），此时应（ ）。\n"
        "   A. 继续工作，但由工作负责人在地面上专门看住，手\n"
        "      一靠近就提醒\n"
        "   B. 立即停下，报告工作负责人，等35kV引线停电、验\n"
        "      电、接地以后再接着做\n"
        "   C. 改用短一些的绝缘梯\n"
        "   D. 戴上绝缘手套\n"
    )


def test_what_is_noted_of_a_question_stands_with_it() -> None:
    assert view(TOOLS, 50, points=2.0, marked=True, answered="A、C") == (
        "第 2/5 题　多选题　变电　2 分　已标记\n"
        "装卸高压熔断器应使用（ ）。\n"
        "   A. 护目镜\n"
        "   B. 绝缘手套\n"
        "   C. 雨衣\n"
        "你的答案：A、C\n"
    )


def test_a_question_for_listeners_has_no_indents_and_no_signs() -> None:
    assert view(TOOLS, 50, plain=True, marked=True) == (
        "第 2/5 题，多选题，变电，已标记\n装卸高压熔断器应使用（ ）。\nA. 护目镜\nB. 绝缘手套\nC. 雨衣\n"
    )


def test_a_judgement_offers_its_two_words_and_a_blank_nothing() -> None:
    assert view(ALONE, 50) == ("第 2/5 题　判断题　配电\n单人操作时可以登杆。\n   A. 正确\n   B. 错误\n")
    assert view(RULES, 50) == ("第 2/5 题　填空题　变电\n操作中对命令有疑问时，应先（ ），再（ ）。\n")


def test_a_wrong_choice_at_fifty_columns() -> None:
    assert verdict(LONG, "D", 50) == (
        "✗ 错。\n"
        "  你的答案：D. 戴上绝缘手套\n"
        "  正确答案：B. 立即停下，报告工作负责人，等35kV引\n"
        "            线停电、验电、接地以后再接着做\n"
        "  依据：变电安规 7\n"
        "  解析：活动范围离35kV带电部分不到0.60m，就得停\n"
        "        电；有人看着、戴着手套，都代替不了停电。\n"
    )


def test_a_wrong_choice_at_eighty_columns() -> None:
    assert verdict(LONG, "D", 80) == (
        "✗ 错。\n"
        "  你的答案：D. 戴上绝缘手套\n"
        "  正确答案：B. 立即停下，报告工作负责人，等35kV引线停电、验电、接地以后再接着做\n"
        "  依据：变电安规 7\n"
        "  解析：活动范围离35kV带电部分不到0.60m，就得停电；有人看着、戴着手套，都代替不\n"
        "        了停电。\n"
    )


def test_several_options_stand_below_each_other() -> None:
    assert verdict(TOOLS, "AC", 50) == (
        "✗ 错：少选了 B，多选了 C\n"
        "  你的答案：A. 护目镜\n"
        "            C. 雨衣\n"
        "  正确答案：A. 护目镜\n"
        "            B. 绝缘手套\n"
        "  依据：变电安规 5.2\n"
    )


def test_a_verdict_for_listeners_says_each_answer_in_one_line() -> None:
    assert verdict(TOOLS, "AC", 50, plain=True) == (
        "错：少选了 B，多选了 C\n"
        "你的答案：A. 护目镜；C. 雨衣\n"
        "正确答案：A. 护目镜；B. 绝缘手套\n"
        "依据：变电安规 5.2\n"
    )


def test_some_of_the_right_options_tell_what_they_earn() -> None:
    assert verdict(TOOLS, "A", 50).startswith("! 部分对：少选了 B，得这题的 50%\n")


def test_a_right_answer_still_teaches_its_clause() -> None:
    assert verdict(BOOTS, "b", 50) == ("✓ 对。\n  正确答案：B. 绝缘靴\n  依据：变电安规 5.2\n")


def test_blanks_are_told_one_by_one() -> None:
    assert verdict(RULES, "停止操作；走开", 50) == (
        "! 部分对：第 2 空不对，得这题的 50%\n"
        "  你的答案：停止操作\n"
        "            走开\n"
        "  正确答案：停止操作\n"
        "            向发令人询问清楚\n"
        "  依据：变电安规 5.3\n"
    )


def test_an_open_answer_is_compared_by_the_person() -> None:
    assert verdict(WHY, "怕触电", 50) == (
        "? 请自己对照：1 个要点里提到 0 个，没有提到：防止\n"
        "  带电挂接地线\n"
        "  你的答案：怕触电\n"
        "  正确答案：防止带电挂接地线\n"
        "  依据：变电安规 5.2\n"
    )


def test_the_answer_alone_has_the_letters_of_the_screen() -> None:
    lines = answer_lines(ShownQuestion(BOOTS, (1, 2, 0)), plain=False)
    assert shown(lines, 50) == "  正确答案：A. 绝缘靴\n  依据：变电安规 5.2\n"
