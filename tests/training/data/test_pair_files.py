import json
from pathlib import Path

import pytest

from xiaoan.errors import UsageError
from xiaoan.training.data.pair_files import Columns, read_pair_file, read_pairs, write_pairs
from xiaoan.training.data.pairs import Pair

BOTH = [Pair("验电要戴什么", "绝缘手套"), Pair("梯子要\n几个人扶", "一人")]
AS_LINES = b'{"content": "\xe9\xaa\x8c", "summary": "a"}\n{"content": "b", "summary": "c"}\n'


def written(folder: Path, data: str | bytes, name: str = "数据.json") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "A.JSON"])
def test_what_is_written_is_read_and_equal_pairs_are_equal_bytes(tmp_path: Path, name: str) -> None:
    pairs = [*BOTH, Pair("夜里呢", "两人", (("巡线几个人", "一人"), ("雨天呢", "两人")))]
    write_pairs(tmp_path / name, pairs)
    assert read_pairs(tmp_path / name, Columns(history="history" if name else None)) == pairs
    first = (tmp_path / name).read_bytes()
    write_pairs(tmp_path / name, pairs)
    assert (tmp_path / name).read_bytes() == first
    assert "验电".encode() in first


def test_a_json_file_is_a_list_and_a_jsonl_file_a_record_a_line(tmp_path: Path) -> None:
    for name in ("a.json", "a.jsonl"):
        write_pairs(tmp_path / name, BOTH)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))[0] == {
        "content": "验电要戴什么",
        "summary": "绝缘手套",
    }
    assert len((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\n"])
def test_marks_and_line_ends_of_other_systems_are_taken(tmp_path: Path, mark: bytes, end: bytes) -> None:
    path = written(tmp_path, mark + AS_LINES.replace(b"\n", end))
    assert read_pairs(path) == [Pair("验", "a"), Pair("b", "c")]


def test_records_without_question_or_answer_are_skipped_and_known_by_their_lines(tmp_path: Path) -> None:
    records = [
        {"content": "一", "summary": ""},
        {"content": "二", "summary": "乙"},
        {"summary": "丙"},
        {"content": None},
    ]
    path = written(tmp_path, "\n".join(json.dumps(record) for record in records))
    file = read_pair_file(path)
    assert (file.pairs, file.records, file.skipped) == ((Pair("二", "乙"),), (2,), (1, 3, 4))
    assert file.place(2) == "第 2 行"
    listed = read_pair_file(written(tmp_path, json.dumps(records)))
    assert (listed.skipped, listed.place(2)) == ((1, 3, 4), "第 2 条")


def test_other_columns_and_rounds_are_read(tmp_path: Path) -> None:
    record = {"prompt": "夜里呢", "response": "两人", "history": [["巡线几个人", "一人"]]}
    path = written(tmp_path, json.dumps(record))
    assert read_pairs(path, Columns("prompt", "response", "history")) == [
        Pair("夜里呢", "两人", (("巡线几个人", "一人"),))
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "是空的"),
        (" \n\n", "是空的"),
        ("[]", "是空的"),
        ('{"content": "一", "summary": "甲"},\n', "第 1 行不是 JSON：末尾多了一个逗号"),
        ('[\n{"content": "一", "summary": "甲"},\n]', "第 3 行不是 JSON：前面多了一个逗号"),
        ('[{"content": "一", "summary": "甲",}]', "第 1 行不是 JSON：前面多了一个逗号"),
        ("{'content': '一'}", "用了单引号"),
        ('{"content": "一\t二", "summary": "甲"}', "第 15 个字符处，引号里直接换了行"),
        ('{"content": "一", "summary": "甲', "引号没有收尾"),
        ('{"content": "一"} {"content": "二"}', "一行只写一条"),
        ('{"content": "说"不"", "summary": "甲"}', "第 16 个字符处少了逗号"),
        ('{\n "content": "一",\n "summary": "甲"\n}', "是一个分成几行写的对象"),
        ('{"content": "一", "summary": 3}', "第 1 行的 summary 是数（3），应当是文字"),
        ('[{"content": "一", "summary": "甲"}, 7]', "第 2 条是数，应当是一条记录"),
        ('{"question": "一", "answer": "甲"}', "没有一条记录有 content 这一列；有：answer、question.*--prompt-column"),
        ('{"content": "\\ud83d", "summary": "甲"}', "半个字符"),
        ("[" * 100_000, "不是 JSON|套得太深"),
        ('{"content": ' + "[" * 100_000, "不是 JSON|套得太深"),
        ('{"content": ' + "9" * 5000 + "}", "数字太长"),
        ("题目,答案\n一,甲\n", "第 1 行不是 JSON"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_the_line_and_what_to_do(
    tmp_path: Path, data: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        read_pairs(written(tmp_path, data))
    assert "数据.json" in refused.value.message
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"content": "一", "summary": "甲"}\n{"content": "题"}'.encode("gbk"), "第 1 行不是 UTF-8 编码（看起来是 GBK）"),
        (AS_LINES + '{"content": "题"}'.encode("gbk"), "第 3 行不是 UTF-8"),
        ('{"content": "题"}'.encode("utf-16"), "看起来是 UTF-16"),
        (b"PK\x03\x04rest", "是表格或压缩文件.*dataset build --bank"),
    ],
)  # fmt: skip
def test_another_encoding_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_pairs(written(tmp_path, data))


@pytest.mark.parametrize("history", ['"q"', '[["q"]]', '[["q", 1]]', '[{"q": "a"}]'])
def test_rounds_of_another_shape_are_refused(tmp_path: Path, history: str) -> None:
    path = written(tmp_path, '{"content": "一", "summary": "甲", "history": ' + history + "}")
    assert read_pairs(path) == [Pair("一", "甲")]
    with pytest.raises(UsageError, match="第 1 行的 history 应当是几轮问答"):
        read_pairs(path, Columns(history="history"))


def test_a_missing_file_a_folder_and_another_suffix_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="没有这个文件"):
        read_pairs(tmp_path / "无.json")
    with pytest.raises(UsageError, match="读不到"):
        read_pairs(tmp_path)
    with pytest.raises(UsageError, match=r"要以 \.json 或 \.jsonl 结尾"):
        write_pairs(tmp_path / "a.csv", BOTH)
