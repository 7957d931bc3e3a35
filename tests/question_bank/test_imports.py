import subprocess
import sys

SCRIPT = """
import sys
from pathlib import Path
import xiaoan.question_bank.spreadsheet, xiaoan.question_bank.matching, xiaoan.question_bank.grading
import xiaoan.question_bank.parsing, xiaoan.question_bank.canonical
print(sorted({"openpyxl", "rapidfuzz"} & set(sys.modules)))
from xiaoan.question_bank.question import Question, QuestionType
question = Question("应先（ ）", ("停电", "验电"), ("停电",), "", "变电", QuestionType.SINGLE)
path = Path(sys.argv[1])
xiaoan.question_bank.canonical.write_canonical([question], path)
bank = xiaoan.question_bank.spreadsheet.read_bank([path]).bank
xiaoan.question_bank.matching.Matcher(bank).match(xiaoan.question_bank.parsing.parse_question("应后停电"))
print(sorted({"torch", "transformers", "pandas", "numpy"} & set(sys.modules)))
"""


def test_the_bank_imports_nothing_heavy_even_when_read_written_and_searched(tmp_path: object) -> None:
    command = [sys.executable, "-c", SCRIPT, f"{tmp_path}/b.xlsx"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    at_import, after_use = done.stdout.split("\n")[:2]
    assert at_import == "[]"
    assert "torch" not in after_use
    assert "transformers" not in after_use
    assert "pandas" not in after_use
