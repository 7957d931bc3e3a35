"""A small paper with every 题型, for the tests of sessions and results."""

import random
from collections.abc import Sequence

from tests.question_bank.factory import fill, judge, multiple, single
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion, shuffle_options
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import Question, QuestionType

BOOTS = single("雷雨天到室外高压设备旁巡视，脚上应穿（ ）。", ("雨靴", "绝缘靴", "布鞋", "皮鞋"), "绝缘靴")
CLOTHES = multiple(
    "进入作业现场应穿戴的有（ ）。",
    ("安全帽", "短袖衫", "全棉长袖工作服", "绝缘鞋"),
    ("安全帽", "全棉长袖工作服", "绝缘鞋"),
    profession="配电",
)
FENCE = judge("设备不带电时可以独自跨越遮栏。", "错误")
STEPS = fill("装设接地线之前应先（ ），再（ ）。", ("停电", "验电"), profession="配电")
ORDERS = Question(
    "遇到强令冒险作业时怎么办？",
    (),
    ("拒绝执行；报告上级",),
    "线路安规 4.5",
    "线路",
    QuestionType.SHORT,
    explanation="作业人员有权不干",
)
EXAM = single("安规考试多久考一次？", ("每半年", "每年", "每两年"), "每年", profession="配电")
ALL = (BOOTS, CLOTHES, FENCE, STEPS, ORDERS, EXAM)


def paper(
    *questions: Question,
    points: Sequence[float] = (),
    limit_s: float | None = None,
    pass_percent: float | None = None,
    partial_credit: PartialCredit = PartialCredit.NONE,
    shuffled_by: random.Random | None = None,
) -> Paper:
    shown = [
        shuffle_options(question, shuffled_by) if shuffled_by else ShownQuestion.as_stored(question)
        for question in questions or ALL
    ]
    worth = points or [1.0] * len(shown)
    return Paper(
        title="模拟试卷",
        items=tuple(PaperItem(one, each) for one, each in zip(shown, worth, strict=True)),
        seed=20,
        limit_s=limit_s,
        pass_percent=pass_percent,
        partial_credit=partial_credit,
    )
