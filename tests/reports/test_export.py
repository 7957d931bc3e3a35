import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.reports.page_reading import HOSTILE, Page
from tests.reports.papers import BOOTS, WHEN, paper_of, result_of, small_result, with_texts
from xiaoan.errors import StorageError, UsageError
from xiaoan.reports.export import (
    check_page_place,
    check_result_place,
    export_paper,
    export_result,
    write_page,
)


def exported(folder: Path, name: str) -> Path:
    path = folder / name
    export_result(small_result(), path, when=WHEN, user="张三", bank="安规题库")
    return path


def test_the_suffix_names_the_format(tmp_path: Path) -> None:
    assert load_workbook(exported(tmp_path, "a.XLSX")).sheetnames[0] == "成绩"
    assert json.loads(exported(tmp_path, "a.json").read_text(encoding="utf-8"))["title"] == "安规模拟测验"
    assert Page(exported(tmp_path, "a.html").read_text(encoding="utf-8")).outside == []


def test_a_document_is_the_result_and_who_it_is_about(tmp_path: Path) -> None:
    document = json.loads(exported(tmp_path, "a.json").read_text(encoding="utf-8"))
    about = {name: document.pop(name) for name in ("user", "bank", "when")}
    assert about == {"user": "张三", "bank": "安规题库", "when": "2026-03-05T14:30:00+00:00"}
    assert document == json.loads(json.dumps(small_result().to_document()))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_document_gives_back_any_text_to_the_letter(tmp_path: Path, text: str) -> None:
    result = result_of(paper_of(with_texts(BOOTS, explanation=text)), "A")
    export_result(result, tmp_path / "a.json", when=WHEN, user="", bank="")
    document = json.loads((tmp_path / "a.json").read_bytes())
    assert document["items"][0]["explanation"] == text


@pytest.mark.parametrize("name", ["成绩", "成绩.pdf", "成绩.xls", ".html"])
def test_another_suffix_is_refused_with_those_that_are_possible(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.xlsx、\.json、\.html"):
        exported(tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_a_place_can_be_tried_before_the_paper_is_sat(tmp_path: Path) -> None:
    check_result_place(tmp_path / "a.xlsx")
    check_page_place(tmp_path / "a.html")
    with pytest.raises(StorageError):
        check_result_place(tmp_path / "没有" / "a.xlsx")
    with pytest.raises(UsageError, match=r"\.html"):
        check_page_place(tmp_path / "a.docx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["xlsx", "json", "html"])
def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match="已经有了"):
        exported(tmp_path, path.name)
    assert path.read_bytes() == b"old"
    export_result(small_result(), path, when=WHEN, user="张三", bank="安规题库", force=True)
    assert len(path.read_bytes()) > 500


def test_a_paper_to_print_is_a_page(tmp_path: Path) -> None:
    export_paper(paper_of(), tmp_path / "卷.html", bank="安规题库")
    assert "答题卡" in (tmp_path / "卷.html").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="已经有了"):
        write_page("<p>", tmp_path / "卷.html")
