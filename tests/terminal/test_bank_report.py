from pathlib import Path

from tests.fakes import BOOTS, TOOLS, small_bank
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.rows.sheet_reading import SheetReading, Skipped
from xiaoan.question_bank.search import search
from xiaoan.question_bank.spreadsheet import FileReading
from xiaoan.question_bank.store.stored_bank import StoredBank
from xiaoan.terminal.bank_report import bank_facts, fault_lines, file_lines, hit_lines, verdict_line

COLUMNS = {"stem": "B", "option_A": "C", "answer": "E", "blank_order": "F"}


def fault(row: int, code: FaultCode, severity: Severity) -> Fault:
    return Fault("a.xlsx", "题库", row, "C", severity, code, "x", "请改正")


def test_a_sheet_is_told_with_its_columns_and_what_was_skipped() -> None:
    skipped = (Skipped((2, 3, 4, 9), "空行"), Skipped(tuple(range(10, 40, 2)), "标题"))
    sheet = SheetReading("题库", "letter-columns", 1, COLUMNS, (BOOTS, TOOLS), 1, 1, 1, skipped)
    shown = [" " * line.indent + line.text for line in file_lines(FileReading(Path("下/a.xlsx"), (sheet,)))]
    assert shown == [
        "下/a.xlsx",
        "  工作表“题库”：3 行，2 题，拒收 1 行，1 题有提醒，隐藏 1 行",
        "    每个选项一列；表头第 1 行；B 题干、C 选项A、E 答案、F 填空顺序",
        "    跳过第 2–4、9 行：空行",
        "    跳过第 10、12、14、16、18、20 等 15 行：标题",
    ]


def test_faults_come_by_kind_what_stops_a_question_first() -> None:
    warned = [fault(row, FaultCode.LETTER_CASE, Severity.WARNING) for row in range(2, 7)]
    faults = [*warned, fault(9, FaultCode.NO_STEM, Severity.REFUSED)]
    short = [line.text for line in fault_lines(faults, everything=False)]
    assert short[0] == "拒收 1 处（no-stem）"
    assert short[2] == "提醒 5 处（letter-case）"
    assert short[-1] == "还有 2 处，加 --all 全部列出"
    assert len(list(fault_lines(faults, everything=True))) == 8


def test_a_fault_shows_the_cells_text_unless_its_message_does() -> None:
    place = ("a.xlsx", "题库", 2, "C", Severity.REFUSED, FaultCode.BAD_ANSWER)
    faults = [
        Fault(*place, "A-停电|B-验电", "选项不清；请改正"),
        Fault(*place, "Z", "答案“Z”没有选项"),
        Fault(*place, "", "没有答案"),
        Fault(*place, "长" * 99 + "\n长", "选项不清"),
    ]
    _, first, second, third, fourth = [line.text for line in fault_lines(faults, everything=True)]
    assert first == "a.xlsx 工作表“题库” 第 2 行 C 列：选项不清；请改正；原文“A-停电|B-验电”"
    assert second.endswith("：答案“Z”没有选项")
    assert third.endswith("：没有答案")
    assert fourth.endswith(f"；原文“{'长' * 40}…”")


def test_the_facts_of_a_bank_leave_out_what_is_nought() -> None:
    facts = {fact.name: fact.value for fact in bank_facts(StoredBank.of(small_bank()))}
    assert facts == {"题数": "6", "单选题": "4", "多选题": "1", "判断题": "1", "变电": "4", "配电": "2"}


def test_the_verdict_is_the_gravest_thing() -> None:
    assert verdict_line(unreadable=1, refused=1, conflicts=1, faults=1).text == "有 1 个文件读不了。"
    assert "拒收" in verdict_line(unreadable=0, refused=2, conflicts=1, faults=1).text
    assert "矛盾" in verdict_line(unreadable=0, refused=0, conflicts=2, faults=1).text
    assert "提醒" in verdict_line(unreadable=0, refused=0, conflicts=0, faults=3).text
    assert verdict_line(unreadable=0, refused=0, conflicts=0, faults=0).text == "没有发现问题。"


def test_what_was_found_is_marked_where_it_stands_and_what_was_not_is_said() -> None:
    hits = search([BOOTS], "绝缘靴 雪天", limit=5)
    stem, *options, answer, clause, missing, source, _ = hit_lines(hits, lambda place: "ABC"[place])
    assert stem.text == f"{BOOTS.stem}（变电，单选题）"
    assert [line.found for line in options] == [(), ((0, 3),), ()]
    assert (answer.text, missing.text, missing.mark) == ("B", "雪天", "没有：")
    assert (clause.text, source.text) == (BOOTS.clause, "小题库.xlsx:题库:3")
