"""The answers to a file of questions as rows that people read: one cell for each thing that is to be said."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.errors import UsageError
from xiaoan.figures import percent_text
from xiaoan.printable import printable
from xiaoan.whole_files import check_place, write_whole

if TYPE_CHECKING:
    from xiaoan.question_bank.rows.asked_rows import AskedRow

ANSWER_SUFFIXES = (".xlsx", ".csv", ".jsonl")

COLUMNS = (
    "序号",
    "题型",
    "题目",
    "选项",
    "小安的答案",
    "把握",
    "核对",
    "题库答案",
    "依据条款",
    "题型来源",
    "说明",
    "原表答案",
    "位置",
)
"""The headings, in their order; scripts may rely on them."""

CHECKED = {
    "match": "与题库一致",
    "mismatch": "与题库不一致，以题库答案为准",
    "ambiguous": "说不准是题库里的哪一道",
    "not_found": "题库中没有这道题",
}
NO_BANK = "没有打开题库，没有核对"
NOT_ASKED = "没有问"

_LEVELS = {"high": "高", "middle": "中", "low": "低"}
_TYPE_SOURCES = {"said": "表里写的", "text": "按题目写法推断", "bank": "按题库"}
_DOUBTED = "题库里没有这道题，小安也没有把握，不要当答案用。"
_NEEDS_OPTIONS = "这道题要看选项才能答，没有看到选项。"
_MOST_ROWS = 1_048_575
"""Rows of a sheet below its header."""
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class AnsweredRow:
    """A question of the file and what came of it.

    Attributes:
        number: in the file, from 1.
        asked: the question as it stands there.
        shown: the model's answer as it is put before a person; '' where there is none.
        document: `Answer.to_document()`, None where the question was not asked.
        error: why not, '' where it was.
    """

    number: int
    asked: "AskedRow"
    shown: str = ""
    document: Mapping[str, Any] | None = None
    error: str = ""

    @property
    def status(self) -> str:
        """What the bank says (`match`, …); '' for a question that was not asked."""
        return "" if self.document is None else str(self.document["bank"]["status"])

    @property
    def level(self) -> str:
        """`high`, `middle` or `low`; '' where nobody knows."""
        return str(((self.document or {}).get("confidence") or {}).get("level", ""))


def check_answer_place(path: Path, *, force: bool = False) -> None:
    """Raise what `write_answers` would raise for this path, before anything is asked.

    Raises UsageError for another suffix, a folder, or a file that is there already (without `force`); StorageError
    where the folder is missing or takes no new files.
    """
    if path.suffix.lower() not in ANSWER_SUFFIXES:
        raise UsageError(
            f"不知道把 {path} 写成什么格式：答案可以存成 {'、'.join(ANSWER_SUFFIXES)}；请改文件名的结尾"
        )
    check_place(path, force=force)


def write_answers(rows: Sequence[AnsweredRow], path: Path, *, has_bank: bool, force: bool = False) -> None:
    """Write the answers as a workbook, CSV or JSON Lines, by the suffix of `path`, whole or not at all.

    Raises UsageError and StorageError as `check_answer_place` does, and for more rows than a sheet has.
    """
    check_answer_place(path, force=force)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        data = b"".join(map(_json_line, rows))
    elif suffix == ".csv":
        data = _csv_bytes(answer_cells(row, has_bank=has_bank) for row in rows)
    else:
        from xiaoan.reports.answer_workbook import answer_workbook

        if len(rows) > _MOST_ROWS:
            raise UsageError(f"有 {len(rows)} 题，一张工作表写不下；请把 --output 改成 .csv 或 .jsonl")
        data = answer_workbook(rows, has_bank=has_bank)
    write_whole(path, data)


def answer_cells(row: AnsweredRow, *, has_bank: bool) -> tuple[str | int, ...]:
    """Return the cells of one row, under `COLUMNS`."""
    bank = {} if row.document is None else row.document["bank"]
    return (
        row.number,
        row.asked.type_text,
        row.asked.stem_text,
        row.asked.options_text,
        row.shown,
        _confidence_text(row),
        NOT_ASKED if row.document is None else CHECKED[row.status] if has_bank else NO_BANK,
        bank.get("answer") or "",
        bank.get("clause") or "",
        _type_text(row),
        "\n".join(_remarks(row)),
        row.asked.answer_text,
        place_of(row.asked),
    )


def place_of(asked: "AskedRow") -> str:
    """Return where a question stands in its file, for people."""
    return f"{asked.source.sheet} 第 {asked.source.row} 行"


def _confidence_text(row: AnsweredRow) -> str:
    confidence = (row.document or {}).get("confidence")
    if not confidence:
        return ""
    return f"{_LEVELS[confidence['level']]}（{percent_text(confidence['probability'])}）"


def _type_text(row: AnsweredRow) -> str:
    said = (row.document or {}).get("type") or {}
    if not said.get("value"):
        return ""
    source = _TYPE_SOURCES.get(said.get("source") or "", "")
    return f"{said['value']}（{source}）" if source else str(said["value"])


def _remarks(row: AnsweredRow) -> Iterable[str]:
    """What else a person should know, a line each."""
    if row.document is None:
        yield f"没有问：{row.error}"
    else:
        if row.document.get("needs_options"):
            yield _NEEDS_OPTIONS
        elif row.document["shown_from"] == "none":
            yield _DOUBTED
        yield from row.document.get("remarks", ())
        if row.status == "ambiguous":
            yield "题库里有几道这样的题，请自己对照："
            yield from map(_candidate, row.document["similar"])
    yield from row.asked.notes


def _candidate(question: Mapping[str, Any]) -> str:
    told = "，".join(filter(None, (question["profession"], question["type"], question["clause"])))
    return f"{question['answer']}（{told}）"


def _csv_bytes(rows: Iterable[Sequence[str | int]]) -> bytes:
    """The rows as spreadsheet programs take them: UTF-8 with a mark, and nothing that looks like a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _csv_cell(cell: str | int) -> str | int:
    if isinstance(cell, int):
        return cell
    text = printable(cell, newlines=True, joiners=True)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _json_line(row: AnsweredRow) -> bytes:
    """One document. Half a character, which UTF-8 cannot hold, becomes its JSON escape."""
    source = row.asked.source
    document = {
        "number": row.number,
        "place": {"file": source.file, "sheet": source.sheet, "row": source.row},
        "given": {
            "type": row.asked.type_text,
            "question": row.asked.stem_text,
            "options": row.asked.options_text,
            "answer": row.asked.answer_text,
        },
        "error": row.error or None,
        "notes": list(row.asked.notes),
        **(row.document or {}),
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(errors="backslashreplace")
