"""A small paper with every 题型, and what came of it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from tests.fakes import question
from xiaoan.question_bank.drawing.paper import Paper, PaperItem
from xiaoan.question_bank.drawing.shuffling import ShownQuestion
from xiaoan.question_bank.question import Question, QuestionType
from xiaoan.question_bank.results import PaperResult
from xiaoan.question_bank.session import QuizSession

WHEN = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)

BOOTS = question("雷雨天气巡视室外高压设备应穿（ ）。", "绝缘靴", options=("绝缘鞋", "绝缘靴", "雨靴"))
TOOLS = question(
    "装卸高压熔断器应使用（ ）。",
    "护目镜",
    "绝缘手套",
    options=("护目镜", "绝缘手套", "雨衣"),
    question_type=QuestionType.MULTIPLE,
)
ALONE = question(
    "单人操作时可以登杆。",
    "错误",
    profession="配电",
    clause="配电安规 7.2.6.13",
    question_type=QuestionType.JUDGE,
)
BLANKS = question("停电后应先____，再____。", "验电", "接地", question_type=QuestionType.BLANK)
WHY = question("为什么要验电？", "确认设备无电压", question_type=QuestionType.SHORT)


def with_texts(base: Question, **fields: str) -> Question:
    """The question with other texts."""
    known = {name: getattr(base, name) for name in Question.__dataclass_fields__}
    return Question(**{**known, **fields})


def paper_of(*questions: Question, points: Mapping[Question, float] | None = None) -> Paper:
    items = (
        PaperItem(ShownQuestion.as_stored(one), (points or {}).get(one, 1.0))
        for one in questions or (BOOTS, TOOLS, ALONE, BLANKS, WHY)
    )
    return Paper("安规模拟测验", tuple(items), 20260305, limit_s=5400, pass_percent=80)


def result_of(paper: Paper, *answers: str) -> PaperResult:
    """What came of these answers in order, '' for none; ten seconds for each question."""
    session = QuizSession(paper)
    for place, text in enumerate(answers):
        session = session.go_to(place).spend(10)
        session = session.answer(text) if text else session
    return session.hand_in().result()


def small_result() -> PaperResult:
    return result_of(paper_of(), "B", "AC", "对", "验电；放电", "")
