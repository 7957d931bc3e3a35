"""What `xiaoan bank` prints for scripts: a bank's sheets, faults, contradictions and finds as JSON knows them."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from xiaoan.errors import BankError

if TYPE_CHECKING:
    from xiaoan.question_bank.conflicts import Conflict
    from xiaoan.question_bank.rows.faults import Fault
    from xiaoan.question_bank.rows.sheet_reading import SheetReading
    from xiaoan.question_bank.search import Hit
    from xiaoan.question_bank.spreadsheet import FileReading


def file_document(reading: "FileReading") -> dict[str, Any]:
    """Return one file that was read, with all its faults."""
    return {
        "file": str(reading.path),
        "sheets": [_sheet_document(sheet) for sheet in reading.sheets],
        "faults": [_fault_document(fault) for fault in reading.faults],
    }


def _sheet_document(sheet: "SheetReading") -> dict[str, Any]:
    return {
        "sheet": sheet.sheet,
        "layout": sheet.layout,
        "header_row": sheet.header_row,
        "columns": dict(sheet.columns),
        "rows": sheet.rows,
        "questions": len(sheet.questions),
        "by_type": dict(Counter(str(question.question_type) for question in sheet.questions)),
        "warned": sheet.warned,
        "refused": sheet.refused,
        "hidden": sheet.hidden,
        "skipped": [{"rows": list(skipped.rows), "why": skipped.why} for skipped in sheet.skipped],
    }


def _fault_document(fault: "Fault") -> dict[str, Any]:
    return {
        "sheet": fault.sheet,
        "row": fault.row,
        "column": fault.column,
        "severity": str(fault.severity),
        "code": str(fault.code),
        "value": fault.value,
        "message": fault.message,
    }


def unreadable_document(name: str, error: BankError) -> dict[str, Any]:
    """Return a file that could not be read at all; the reason is its only fault."""
    from xiaoan.question_bank.rows.faults import Fault, FaultCode, Severity

    fault = Fault(name, "", None, None, Severity.ERROR, FaultCode.UNREADABLE_FILE, "", error.message)
    return {"file": name, "sheets": [], "faults": [{**_fault_document(fault), "sheet": None}]}


def conflict_document(conflict: "Conflict") -> dict[str, Any]:
    """Return one contradiction with every row that has part in it."""
    return {
        "stem": conflict.stem,
        "profession": conflict.profession,
        "question_type": str(conflict.question_type),
        "rows": [
            {
                "file": row.source.file,
                "sheet": row.source.sheet,
                "row": row.source.row,
                "answer": list(row.answer),
            }
            for row in conflict.rows
        ],
    }


def hit_document(hit: "Hit") -> dict[str, Any]:
    """Return one question found."""
    question = hit.question
    return {
        "id": question.id,
        "stem": question.stem,
        "options": list(question.options),
        "answer": list(question.answer),
        "letters": list(question.answer_letters),
        "question_type": str(question.question_type),
        "profession": question.profession,
        "clause": question.clause,
        "sources": [str(source) for source in question.sources],
        "found": list(hit.found),
        "missing": list(hit.missing),
    }
