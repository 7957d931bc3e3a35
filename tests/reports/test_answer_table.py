"""The answers to a file: what each cell says, and that no text becomes anything but text."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from xiaoan.errors import UsageError
from xiaoan.question_bank.question import Source
from xiaoan.question_bank.rows.asked_rows import AskedRow
from xiaoan.reports.answer_table import COLUMNS, AnsweredRow, answer_cells, check_answer_place, write_answers

_EMPTY = dict.fromkeys(("id", "stem", "answer", "clause", "profession", "type", "source"))


def asked(stem: str = "应穿（ ）。", *, notes: tuple[str, ...] = (), answer: str = "") -> AskedRow:
    return AskedRow(Source("题.xlsx", "Sheet1", 5), "单选题", stem, "A. 甲\nB. 乙", answer, None, "", notes)


def document(status: str = "match", **changed: Any) -> dict[str, Any]:
    found = (
        {**_EMPTY, "answer": "B. 乙", "clause": "变电安规 5"} if status in ("match", "mismatch") else _EMPTY
    )
    return {
        "question": "应穿（ ）。",
        "answer": "B. 乙",
        "shown_from": "bank" if status in ("match", "mismatch") else "model",
        "bank": {"status": status, **found},
        "similar": [],
        "type": {"value": "单选题", "source": "said"},
        "confidence": {"probability": 0.973, "level": "high"},
        "needs_options": False,
        **changed,
    }


def cells(row: AnsweredRow, *, has_bank: bool = True) -> dict[str, str | int]:
    return dict(zip(COLUMNS, answer_cells(row, has_bank=has_bank), strict=True))


def test_an_answer_that_the_bank_confirms() -> None:
    row = AnsweredRow(7, asked(answer="B", notes=("请核对",)), "B. 乙", document())
    assert cells(row) == {
        "序号": 7,
        "题型": "单选题",
        "题目": "应穿（ ）。",
        "选项": "A. 甲\nB. 乙",
        "小安的答案": "B. 乙",
        "把握": "高（97.3%）",
        "核对": "与题库一致",
        "题库答案": "B. 乙",
        "依据条款": "变电安规 5",
        "题型来源": "单选题（表里写的）",
        "说明": "请核对",
        "原表答案": "B",
        "位置": "Sheet1 第 5 行",
    }


def test_an_answer_that_is_none_to_rely_on_says_so() -> None:
    low = document(
        "not_found",
        shown_from="none",
        confidence={"probability": 0.1, "level": "low"},
        type={"value": "判断题", "source": "text"},
    )
    shown = cells(AnsweredRow(1, asked(), "没有把握，硬要选的话：B. 乙", low))
    assert shown["小安的答案"] == "没有把握，硬要选的话：B. 乙"
    assert (shown["把握"], shown["核对"]) == ("低（10%）", "题库中没有这道题")
    assert "不要当答案用" in str(shown["说明"])
    assert shown["题型来源"] == "判断题（按题目写法推断）"


def test_a_question_without_its_options_and_several_questions_of_the_bank() -> None:
    needing = document("not_found", needs_options=True, shown_from="none", confidence=None)
    assert "没有看到选项" in str(cells(AnsweredRow(1, asked(), "没有看到选项，答不了。", needing))["说明"])
    candidates = [
        {**_EMPTY, "answer": "工区", "profession": "配电", "type": "单选题", "clause": ""},
        {**_EMPTY, "answer": "调度", "profession": "变电", "type": "单选题", "clause": "变电安规 3"},
    ]
    several = cells(AnsweredRow(1, asked(), "B. 乙", document("ambiguous", similar=candidates)))
    assert several["核对"] == "说不准是题库里的哪一道"
    assert str(several["说明"]).splitlines()[1:] == [
        "工区（配电，单选题）",
        "调度（变电，单选题，变电安规 3）",
    ]


def test_what_is_remarked_on_an_answer_stands_beside_it() -> None:
    remarked = document("not_found", remarks=["看到了 A、C、D，但没有读成选项。"])
    assert cells(AnsweredRow(1, asked(), "B. 乙", remarked))["说明"] == "看到了 A、C、D，但没有读成选项。"


def test_what_was_not_asked_or_not_checked() -> None:
    refused = cells(AnsweredRow(1, asked(""), error="题干是空的"))
    assert (refused["小安的答案"], refused["核对"], refused["说明"]) == ("", "没有问", "没有问：题干是空的")
    unchecked = cells(AnsweredRow(1, asked(), "B. 乙", document("not_found")), has_bank=False)
    assert unchecked["核对"] == "没有打开题库，没有核对"


EVIL = ['=HYPERLINK("x")', "+1", "-5℃", "@SUM(A1)", "a\x1b[2Jb\u202e", "_x0041_", "长" * 40_000, "\ud800x"]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".jsonl"])
def test_no_text_becomes_a_formula_or_an_escape(tmp_path: Path, suffix: str) -> None:
    rows = [
        AnsweredRow(number, asked(text, answer=text), text, document("match", answer=text))
        for number, text in enumerate(EVIL, start=1)
    ]
    path = tmp_path / f"答案{suffix}"
    write_answers(rows, path, has_bank=True)
    if suffix == ".xlsx":
        sheet = load_workbook(path).active
        assert sheet is not None
        for row in sheet.iter_rows(min_row=2):
            assert {cell.data_type for cell in row} <= {"s", "n"}
        assert [sheet.cell(row, 5).value for row in range(2, 6)] == EVIL[:4]
        assert sheet.cell(2, 5).quotePrefix
        assert sheet.cell(6, 5).value == "ab"
    elif suffix == ".csv":
        table = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
        assert table[0] == list(COLUMNS)
        assert [row[4] for row in table[1:6]] == [f"'{text}" for text in EVIL[:4]] + ["ab"]
    else:
        documents = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [one["answer"] for one in documents] == EVIL
        assert documents[0]["place"] == {"file": "题.xlsx", "sheet": "Sheet1", "row": 5}
        assert documents[0]["given"]["answer"] == EVIL[0]


def test_a_workbook_marks_what_to_look_at(tmp_path: Path) -> None:
    none = document("not_found", shown_from="none")
    rows = [
        AnsweredRow(1, asked(), "B. 乙", document()),
        AnsweredRow(2, asked(), "B. 乙", document("mismatch")),
        AnsweredRow(3, asked(), "B. 乙", none),
        AnsweredRow(4, asked(), error="空"),
    ]
    write_answers(rows, tmp_path / "a.xlsx", has_bank=True)
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    checked = COLUMNS.index("核对") + 1
    colours = [sheet.cell(row, checked).fill.fgColor.rgb for row in range(2, 6)]
    assert len(set(colours)) == 3
    assert colours[1] == colours[3]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("D2", "A1:M5")


def test_places_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.xlsx、\.csv、\.jsonl"):
        check_answer_place(tmp_path / "a.docx")
    (tmp_path / "a.csv").touch()
    with pytest.raises(UsageError, match="已经有了"):
        check_answer_place(tmp_path / "a.csv")
    check_answer_place(tmp_path / "a.csv", force=True)
