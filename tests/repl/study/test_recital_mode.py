from tests.question_bank.papers import BOOTS, FENCE, paper
from tests.repl.study.bench import StudyBench, piped

BOOTS_WITH_ANSWER = (
    "第 1/2 题　单选题　变电\n"
    "雷雨天到室外高压设备旁巡视，脚上应穿（ ）。\n"
    "   A. 雨靴\n"
    "   B. 绝缘靴\n"
    "   C. 布鞋\n"
    "   D. 皮鞋\n"
    "  正确答案：B. 绝缘靴\n"
    "  依据：变电安规 7.2\n"
)
FENCE_WITH_ANSWER = (
    "第 2/2 题　判断题　变电\n"
    "设备不带电时可以独自跨越遮栏。\n"
    "   A. 正确\n"
    "   B. 错误\n"
    "  正确答案：错误\n"
    "  依据：变电安规 7.2\n"
)


def test_enter_goes_from_answer_to_answer_and_nothing_is_recorded(desk: StudyBench) -> None:
    desk.recite(paper(BOOTS, FENCE), "", "")
    assert desk.shown == f"{BOOTS_WITH_ANSWER}\n{FENCE_WITH_ANSWER}2 道题都背过了。\n"
    assert desk.progress.statistics().attempts == 0
    assert desk.progress.unfinished() == []


def test_one_goes_back_and_to_a_number_and_answers_nothing(desk: StudyBench) -> None:
    desk.recite(paper(BOOTS, FENCE), "第2题", "-", "-", "B", "交卷", "exit")
    assert desk.shown == (
        f"{BOOTS_WITH_ANSWER}\n{FENCE_WITH_ANSWER}\n{BOOTS_WITH_ANSWER}"
        "! 这是第一题，前面没有题了。\n"
        "! 背题只看不答：按 Enter 到下一题。要作答请用练习。\n"
        "! 背题里不用“交卷”。输入 help 看这里能用什么。\n"
        "背到第 1/2 题，背题不作记录。\n"
    )


def test_a_pipe_gets_all_of_it(desk: StudyBench) -> None:
    desk.desk(piped()).run_recital(paper(BOOTS, FENCE))
    assert desk.shown == f"{BOOTS_WITH_ANSWER}\n{FENCE_WITH_ANSWER}2 道题都背过了。\n"
