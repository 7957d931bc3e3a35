"""A result or a paper as a file, in the format that the file's suffix names."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.errors import UsageError
from xiaoan.whole_files import check_place, write_whole

if TYPE_CHECKING:
    from xiaoan.question_bank.drawing.paper import Paper
    from xiaoan.question_bank.results import PaperResult

RESULT_SUFFIXES = (".xlsx", ".json", ".html")
PAGE_SUFFIXES = (".html", ".htm")


def check_result_place(path: Path, *, force: bool = False) -> None:
    """Raise what `export_result` would raise for this path, before the paper is sat.

    Raises UsageError for another suffix, a folder, or a file that is there already (without `force`);
    StorageError where the folder is missing or takes no new files.
    """
    _check_suffix(path, RESULT_SUFFIXES, "成绩可以存成")
    check_place(path, force=force)


def check_page_place(path: Path, *, force: bool = False) -> None:
    """Raise what writing a page at this path would raise, before there is a page; errors as above."""
    _check_suffix(path, PAGE_SUFFIXES, "网页的文件名应以这些结尾：")
    check_place(path, force=force)


def export_result(
    result: "PaperResult", path: Path, *, when: datetime, user: str, bank: str, force: bool = False
) -> None:
    """Write the result as a workbook, a JSON document or a page, by the suffix of `path`.

    Args:
        result: the paper as it was answered.
        path: ends in one of `RESULT_SUFFIXES`, in any case of letters.
        when: the local time at which it was handed in.
        user: who sat it.
        bank: the bank's name, for people.
        force: write over a file that is there.

    Raises UsageError and StorageError as `check_result_place` does; then nothing is written.
    """
    check_result_place(path, force=force)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        from xiaoan.reports.result_workbook import write_result_workbook

        write_result_workbook(result, path, when=when, user=user, bank=bank, force=force)
    elif suffix == ".json":
        about = {"user": user, "bank": bank, "when": when.isoformat(timespec="seconds")}
        write_whole(path, _json_bytes({**about, **result.to_document()}))
    else:
        from xiaoan.reports.result_page import result_page

        write_page(result_page(result, when=when, user=user, bank=bank), path, force=force)


def export_paper(paper: "Paper", path: Path, *, bank: str, force: bool = False) -> None:
    """Write the paper as a page to print, its answer sheet and its key apart; errors as `check_page_place`."""
    from xiaoan.reports.paper_page import paper_page

    check_page_place(path, force=force)
    write_page(paper_page(paper, bank=bank), path, force=force)


def write_page(page: str, path: Path, *, force: bool = False) -> None:
    """Write a finished page at a path that ends in .html; errors as `check_page_place`."""
    check_page_place(path, force=force)
    write_whole(path, page.encode())


def _check_suffix(path: Path, suffixes: tuple[str, ...], possible: str) -> None:
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"不知道把 {path} 写成什么格式：{possible} {'、'.join(suffixes)}；请改文件名的结尾")


def _json_bytes(document: object) -> bytes:
    """The document in UTF-8. Half a character, which UTF-8 cannot hold, becomes its JSON escape."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return f"{text}\n".encode(errors="backslashreplace")
