"""Exams whose every figure is known: sittings made by rule, and the result of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from xiaoan.evaluation.comparing import paired
from xiaoan.evaluation.exam_results import Contestant, ExamResult, ModelFacts, compare, figures_of
from xiaoan.evaluation.sitting import Sitting

WHEN = datetime(2026, 11, 21, 20, 30, tzinfo=timezone(timedelta(hours=8)))
MODEL = ModelFacts("xiaoan-demo", "xiaoan-demo-prefix", None, "cpu", "float32", "content", demo=True)

BOOTS = Sitting(
    id="a1",
    form="options",
    turn=0,
    question_type="单选题",
    profession="变电",
    clause="变电安规 5.2",
    stem="雷雨天气巡视室外高压设备应穿（ ）。",
    official=("绝缘靴",),
    asked="雷雨天气巡视室外高压设备应穿（ ）。\nA. 绝缘鞋\nB. 绝缘靴\nC. 雨靴",
    options=("绝缘鞋", "绝缘靴", "雨靴"),
    right_labels=("B",),
    answer="B. 绝缘靴",
    chosen=("B",),
    right=True,
    credit=1.0,
    status="match",
    shown_from="bank",
    shown_right=True,
    confidence=0.97,
    seconds=0.02,
    tokens=0,
)
WRONG: dict[str, Any] = {
    "answer": "A. 绝缘鞋",
    "chosen": ("A",),
    "right": False,
    "credit": 0.0,
    "status": "mismatch",
    "confidence": 0.35,
}
ALONE = replace(
    BOOTS,
    id="b1",
    question_type="判断题",
    profession="配电",
    clause="",
    stem="单人操作时可以登杆。",
    official=("错误",),
    asked="单人操作时可以登杆。\nA. 正确\nB. 错误",
    options=("正确", "错误"),
    right_labels=("B",),
    answer="B. 错误",
)


def sittings_of(right: int, wrong: int, start: Sitting = BOOTS, *, form: str = "options") -> list[Sitting]:
    """So many questions like `start` answered right, so many wrong."""
    made = [replace(start, id=f"{start.id}{number}", form=form) for number in range(right + wrong)]
    return [*made[:right], *(replace(one, **WRONG) for one in made[right:])]


def small_exam() -> list[Sitting]:
    """Ten 单选题 with one wrong and four 判断题 with one wrong, in two forms."""
    return [
        one
        for form in ("options", "noisy")
        for one in (*sittings_of(9, 1, form=form), *sittings_of(3, 1, ALONE, form=form))
    ]


def result_of(sittings: Sequence[Sitting] | None = None, **changes: Any) -> ExamResult:
    """The result of these sittings; of `small_exam` without any."""
    sat = tuple(small_exam() if sittings is None else sittings)
    result = ExamResult(
        bank="小题库.xlsx（14 题）",
        questions="小题库.xlsx（14 题）",
        model=MODEL,
        seed=7,
        date=WHEN,
        sittings=sat,
        figures=figures_of(sat),
    )
    return replace(result, **changes)


def with_others(result: ExamResult) -> ExamResult:
    """The result beside one who is always wrong and one who could not take part."""
    own = [one for one in result.sittings if one.form == "options"]
    lazy = [replace(one, **{**WRONG, "confidence": None, "status": None}) for one in own]
    return replace(
        result,
        others=(
            Contestant("总选最长的选项", figures_of(lazy), paired(own, lazy)),
            Contestant("TF-IDF + 逻辑回归", None, note="还缺程序库"),
        ),
        others_forms=("options",),
        beside_others=figures_of(own),
    )


def with_comparison(result: ExamResult, before: Sequence[Sitting]) -> ExamResult:
    """The result as B, compared with `before` as A."""
    return replace(result, comparison=compare("训练前.json", before, "现在的设置", result.sittings))
