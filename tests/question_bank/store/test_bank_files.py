from pathlib import Path

import pytest

from xiaoan.errors import BankError
from xiaoan.question_bank.store.bank_files import bank_files, expand


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def below(folder: Path, paths: list[Path] | tuple[Path, ...]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_folder_is_all_banks_in_it_and_below_in_the_order_of_a_person(tmp_path: Path) -> None:
    make(tmp_path, "第10章.xlsx", "第2章.XLS", "a.csv", "b.et", "c.ods", "d.xlsm", "下/第1章.xlsx")
    make(
        tmp_path, "~$第2章.xls", ".~lock.a.csv#", "说明.docx", ".隐藏/x.xlsx", "__MACOSX/._a.xlsx", "._a.csv"
    )
    found = below(tmp_path, expand(tmp_path))
    assert found == ["a.csv", "b.et", "c.ods", "d.xlsm", "下/第1章.xlsx", "第2章.XLS", "第10章.xlsx"]


def test_a_pattern_is_matched_here_where_no_shell_did_it(tmp_path: Path) -> None:
    make(tmp_path, "变电1.xlsx", "变电2.xlsx", "配电.xlsx", "~$变电1.xlsx", "变电.txt", "下/变电3.csv")
    assert below(tmp_path, expand(f"{tmp_path}/变电*")) == ["变电1.xlsx", "变电2.xlsx"]
    assert below(tmp_path, expand(f"{tmp_path}/变电?.xlsx")) == ["变电1.xlsx", "变电2.xlsx"]
    assert below(tmp_path, expand(f"{tmp_path}/**/变电*.csv")) == ["下/变电3.csv"]
    assert below(tmp_path, expand(f"{tmp_path}/*.txt")) == ["变电.txt"]
    assert len(expand(f"{tmp_path}/*")) == 4


def test_a_name_with_brackets_that_exists_is_that_file(tmp_path: Path) -> None:
    make(tmp_path, "题库[1].xlsx", "题库1.xlsx", "年度[2025]/a.xlsx")
    assert below(tmp_path, expand(tmp_path / "题库[1].xlsx")) == ["题库[1].xlsx"]
    assert below(tmp_path, expand(tmp_path / "年度[2025]" / "*.xlsx")) == ["年度[2025]/a.xlsx"]


def test_a_named_file_may_be_called_anything(tmp_path: Path) -> None:
    make(tmp_path, "题库", "~$a.xlsx")
    assert below(tmp_path, bank_files([tmp_path / "题库", tmp_path / "~$a.xlsx"])) == ["题库", "~$a.xlsx"]


def test_each_file_is_taken_once_in_the_order_named(tmp_path: Path) -> None:
    make(tmp_path, "a.xlsx", "b.xlsx")
    names: list[str | Path] = [tmp_path / "b.xlsx", tmp_path, tmp_path / "." / "a.xlsx", f"{tmp_path}/*.xlsx"]
    assert below(tmp_path, bank_files(names)) == ["b.xlsx", "a.xlsx"]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.xlsx")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert expand("~/a.xlsx") == expand("~/*.xlsx") == expand("~") == [tmp_path / "a.xlsx"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("无.xlsx", "没有找到题库"),
        ("空", "里没有题库文件"),
        ("无*.xlsx", "没有题库文件符合"),
        ("长" * 400, "找不了"),
        ("a\0b", "没有找到|找不了"),
        ("~没有这个人/a.xlsx", "没有找到题库|找不了"),
    ],
)
def test_what_stands_for_nothing_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    (tmp_path / "空").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BankError, match=said):
        expand(name)
