import json
from pathlib import Path

import pytest

from xiaoan.errors import UsageError
from xiaoan.repl.prefixes import Shelf, description, named_prefix, names_to_type


def put_prefix(folder: Path, base: str = "小底座") -> Path:
    folder.mkdir(parents=True)
    (folder / "prefix.safetensors").touch()
    card = {"base": base, "forms": ["plain"], "pre_seq_len": 16}
    (folder / "prefix.json").write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    put_prefix(tmp_path / "home" / "变电")
    put_prefix(tmp_path / "home" / "配电")
    put_prefix(tmp_path / "runs" / "配电")
    (tmp_path / "runs" / "没练完" / "state").mkdir(parents=True)
    return Shelf(put_prefix(tmp_path / "自带"), (tmp_path / "home", tmp_path / "runs", tmp_path / "没有"))


def test_finished_prefixes_are_found_the_shipped_one_first(shelf: Shelf, tmp_path: Path) -> None:
    places = ("自带", "home/变电", "home/配电", "runs/配电")
    assert shelf.prefixes() == tuple(tmp_path / place for place in places)


def test_a_name_means_the_one_prefix_of_that_name(shelf: Shelf, tmp_path: Path) -> None:
    assert named_prefix(shelf, "变电") == tmp_path / "home" / "变电"
    assert named_prefix(shelf, f'"{tmp_path}"') == tmp_path
    assert named_prefix(shelf, "OFF") is named_prefix(shelf, "不用") is None


def test_two_of_a_name_have_to_be_told_apart_by_path(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="有 2 个叫 配电 的前缀") as caught:
        named_prefix(shelf, "配电")
    assert str(tmp_path / "runs" / "配电") in caught.value.message
    assert names_to_type(shelf)[:3] == ["自带", "变电", str(tmp_path / "home" / "配电")]


def test_an_unknown_name_brings_up_the_nearest(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="是不是 自带？"):
        named_prefix(shelf, "自代带")


def test_a_card_is_put_into_words_and_a_broken_one_is_no_accident(tmp_path: Path) -> None:
    folder = put_prefix(tmp_path / "p")
    assert description(folder) == "底座 小底座，问法 plain，长度 16"
    (folder / "prefix.json").write_text("{", encoding="utf-8")
    assert description(folder) == "没有说明卡"
    (folder / "prefix.json").write_text("[]", encoding="utf-8")
    assert description(folder) == "说明卡读不懂"
