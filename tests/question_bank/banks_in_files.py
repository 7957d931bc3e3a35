"""Banks in the simplest files there are, one question a line, and a reader that counts what it reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.question_bank.factory import fill, judge, single
from xiaoan.errors import BankError
from xiaoan.question_bank.question import Question, Source
from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity
from xiaoan.question_bank.rows.sheet_reading import SheetReading
from xiaoan.question_bank.spreadsheet import FileReading

OPTIONS = ("绝缘靴", "雨靴", "布鞋")


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def question_of(line: str, source: Source) -> Question:
    """`？stem` is a 单选题, `＿stem` a 填空题, any other line a 判断题; 配电 in it makes it one of 配电."""
    profession = "配电" if "配电" in line else "变电"
    if line.startswith("？"):
        made = single(line[1:], OPTIONS, OPTIONS[len(line) % 3], profession)
    else:
        made = (
            fill(line[1:], ["4m"], profession)
            if line.startswith("＿")
            else judge(line, profession=profession)
        )
    return Question(
        made.stem, made.options, made.answer, made.clause, profession, made.question_type, (source,), "略"
    )


@dataclass
class CountingReader:
    """Reads such files; an empty line is a refused row, a file that begins with ! cannot be read at all."""

    read: list[str] = field(default_factory=list)

    def __call__(self, path: Path) -> FileReading:
        self.read.append(path.name)
        questions: list[Question] = []
        faults: list[Fault] = []
        if not path.is_file() or path.read_bytes().startswith(b"!"):
            raise BankError(f"题库 {path} 读不了")
        for row, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=2):
            if line:
                questions.append(question_of(line, Source(path.name, "题库", row)))
            else:
                place = (path.name, "题库", row, "C", Severity.REFUSED, FaultCode.NO_STEM)
                faults.append(Fault(*place, "", "题干是空的"))
        sheet = SheetReading(
            sheet="题库",
            layout="一行一题",
            header_row=1,
            columns={"stem": "C"},
            questions=tuple(questions),
            refused=len(faults),
            warned=0,
            hidden=0,
            skipped=(),
            faults=tuple(faults),
        )
        return FileReading(path, (sheet,))
