import pytest

from xiaoan.errors import UsageError
from xiaoan.repl.commands import find_command, split_options


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", []),
        ("--count 5", ["--count", "5"]),
        ("——count ５", ["--count", "５"]),
        ("—count 5", ["--count", "5"]),
        ("－－ｃｏｕｎｔ=5", ["--count=5"]),
        ("-h", ["-h"]),
        ('--search "接地线 装设"', ["--search", "接地线 装设"]),
        ("--search=“接地线 装设”", ["--search=接地线 装设"]),
        ("--bank D:\\题库\\变电（2024）.xlsx", ["--bank", "D:\\题库\\变电（2024）.xlsx"]),
        ("--clause 7.3 --type 单选题", ["--clause", "7.3", "--type", "单选题"]),
        ("--search -5℃", ["--search", "-5℃"]),
        ('--search "没有收住', ["--search", "没有收住"]),
    ],
)
def test_options_are_split_as_a_shell_would_and_more_kindly(typed: str, words: list[str]) -> None:
    assert split_options(typed) == words


def test_arguments_stay_as_typed() -> None:
    found = find_command("／练习　--bank 变电（2024）.xlsx ")
    assert found is not None
    command, arguments = found
    assert (command.names[0], arguments) == ("practice", "--bank 变电（2024）.xlsx")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match="是不是 /practice？"):
        find_command("/practise")
