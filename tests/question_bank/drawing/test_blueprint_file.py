"""Blueprints in TOML, right and wrong."""

from pathlib import Path

import pytest

from xiaoan.errors import UsageError
from xiaoan.question_bank.drawing.blueprint import Blueprint, Part, read_blueprint
from xiaoan.question_bank.grading import PartialCredit
from xiaoan.question_bank.question import QuestionType

WHOLE = """
title = "变电班月考"
minutes = 45
pass_percent = 85.5
partial_credit = "half"

[[parts]]
type = "单选题"
count = 20
points = 2
professions = ["变电", "通用"]
chapters = ["变电安规 7", "变电安规 附录A"]
profession_weights = { "变电" = 3 }
chapter_weights = { "变电安规 7" = 2.5 }

[[parts]]
type = "判断"
count = 10
"""
PART = '[[parts]]\ntype = "单选题"\ncount = 1\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "月考.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read(tmp_path: Path) -> None:
    single = Part(
        QuestionType.SINGLE,
        20,
        2.0,
        ("变电", "通用"),
        ("变电安规 7", "变电安规 附录A"),
        {"变电": 3},
        {"变电安规 7": 2.5},
    )
    expected = Blueprint("变电班月考", (single, Part(QuestionType.JUDGE, 10)), 45.0, 85.5, PartialCredit.HALF)
    assert read_blueprint(written(tmp_path, WHOLE)) == expected


def test_what_is_not_written_has_a_default(tmp_path: Path) -> None:
    blueprint = read_blueprint(written(tmp_path, "\ufeff" + PART))
    assert blueprint == Blueprint("模拟测验", (Part(QuestionType.SINGLE, 1),), None, 80.0, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "没有 parts，应是一个或几个 [[parts]]"),
        ("parts = []", "parts 写的是 []，应是一个或几个 [[parts]]"),
        ("[parts]\ncount = 1", "parts 写的是 {'count': 1}，应是一个或几个 [[parts]]"),
        (
            "minuten = 9\n" + PART,
            "不认识 minuten。可以写：title、minutes、pass_percent、partial_credit、parts。",
        ),
        ("minutes = 0\n" + PART, "minutes 写的是 0，应是大于 0 的数，单位分钟；不限时就不写。"),
        ("minutes = nan\n" + PART, "minutes 写的是 nan，应是大于 0 的数"),
        ("pass_percent = 101\n" + PART, "pass_percent 写的是 101，应是0 到 100 的数。"),
        ('partial_credit = "all"\n' + PART, "partial_credit 写的是 'all'，应是 none、half 或 share。"),
        ("minutes = " + "9" * 400 + "\n" + PART, "应是大于 0 的数"),
        ('title = " "\n' + PART, "title 写的是 ' '，应是一行文字。"),
        (PART + "points = true", "第 1 个 [[parts]]：points 写的是 True，应是大于 0 的数，最少 0.01。"),
        (PART + "points = 1e-7", "第 1 个 [[parts]]：points 写的是 1e-07，应是大于 0 的数，最少 0.01。"),
        (PART + "score = 1", "第 1 个 [[parts]]：不认识 score。可以写：type、count、points、"),
        (PART + "professions = []", "professions 写的是 []，应是名字的列表"),
        (PART + 'professions = "变电"', "professions 写的是 '变电'，应是名字的列表"),
        (PART + 'chapter_weights = { "变电安规 7" = -1 }', "chapter_weights 写的是 {'变电安规 7': -1}，应是"),
        (
            PART + 'chapters = ["变电安规 7.3.4"]',
            "“变电安规 7.3.4”不是一章，应是规程的名字和一个号，如“变电安规 7”。",
        ),
        (
            PART + 'professions = ["变电"]\nprofession_weights = { "线路" = 1 }',
            "profession_weights 里的“线路”不在 professions 里",
        ),
        (
            '[[parts]]\ncount = 2.5\ntype = "选择"',
            "第 1 个 [[parts]]：count 写的是 2.5，应是 1 到 10000 的整数。",
        ),
        (
            PART + "[[parts]]\ncount = 1",
            "第 2 个 [[parts]]：没有 type，应是单选题、多选题、判断题、填空题、简答题。",
        ),
        ("x =", "不是合格的 TOML"),
        ("minutes = " + "9" * 5000, "不是合格的 TOML"),
        (f"title = [{'1, ' * 99}]\n" + PART, "1, 1,…，应是一行文字。"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        read_blueprint(path)
    assert message in raised.value.message
    assert str(path) in raised.value.message


def test_everything_wrong_is_said_at_once_but_not_without_end(tmp_path: Path) -> None:
    path = written(tmp_path, "[[parts]]\ncount = 0\n" * 10)
    with pytest.raises(UsageError) as raised:
        read_blueprint(path)
    lines = raised.value.message.splitlines()
    assert (len(lines), lines[-1]) == (10, "……还有 12 处。")


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "没有.toml", "找不到组卷方案"), (tmp_path, "是一个文件夹")):
        with pytest.raises(UsageError, match=message):
            read_blueprint(path)
    latin = tmp_path / "gbk.toml"
    latin.write_bytes('title = "月考"'.encode("gbk"))
    with pytest.raises(UsageError, match="不是 UTF-8"):
        read_blueprint(latin)
