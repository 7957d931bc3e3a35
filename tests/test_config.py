import os
import tomllib
from pathlib import Path

import pytest

from xiaoan.config import (
    DEFAULT_CONFIG_FILE,
    KEYS,
    Settings,
    bank_paths,
    default_paths,
    home_path,
    load_settings,
    prepare_home,
)
from xiaoan.errors import StorageError, UsageError


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"XIAOAN_HOME": str(home), **more}


def test_without_file_environment_or_flags_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings({}, environ(tmp_path)) == Settings()


def test_a_flag_outranks_the_environment_which_outranks_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('device = "cpu"\ndtype = "float16"\nseed = 1\n', encoding="utf-8")
    variables = environ(tmp_path, XIAOAN_DTYPE="bfloat16", XIAOAN_SEED="2")
    settings = load_settings({"seed": 3, "device": None, "bank": []}, variables)
    assert (settings.device, settings.dtype, settings.seed) == ("cpu", "bfloat16", 3)


def test_an_unknown_key_names_itself_the_file_and_the_known_keys(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('modle = "x"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_settings({}, environ(tmp_path))
    assert "modle" in caught.value.message
    assert str(file) in caught.value.message
    assert all(key in caught.value.message for key in KEYS)


def test_a_misspelt_variable_is_an_error_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    assert load_settings({}, environ(tmp_path, XIAOAN_GOLDEN="elsewhere")) == Settings()
    with pytest.raises(UsageError, match="XIAOAN_MODEL"):
        load_settings({}, environ(tmp_path, XIAOAN_MODLE="x"))


@pytest.mark.parametrize(
    ("line", "possible"),
    [
        ('device = "gpu"', "cuda"),
        ('dtype = "half"', "float16"),
        ('seed = "1"', "正整数"),
        ("seed = -1", "正整数"),
        ("seed = true", "正整数"),
        ('decode = "best"', "content"),
        ("bank = [1]", "文件名"),
        ('bank = ["off", "a.xlsx"]', "off"),
        ("model = 3", "文件夹"),
        ('lora = ""', "文件夹"),
        ('user = ""', "名字"),
        ('user = "张\\n三"', "名字"),
        ("user = 7", "名字"),
        ('plain = "yes"', "true"),
        ("plain = 1", "true"),
        ("compile = 1", "true"),
        ('partial_credit = "all"', "half"),
        ("partial_credit = 0.5", "half"),
        ("leave_after = 0", "1 到 100"),
        ("leave_after = true", "1 到 100"),
        ("leave_after = 2.5", "1 到 100"),
        ('slow_s = "60"', "86400"),
        ("slow_s = 0", "86400"),
    ],
)
def test_a_wrong_value_names_file_key_and_what_is_possible(tmp_path: Path, line: str, possible: str) -> None:
    (tmp_path / "config.toml").write_text(line, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_settings({}, environ(tmp_path))
    assert possible in caught.value.message
    assert "config.toml" in caught.value.message
    assert line.split(" ")[0] in caught.value.message


@pytest.mark.parametrize(
    ("word", "plain"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False)]
)
def test_a_variable_switches_plain_on_and_off(tmp_path: Path, word: str, plain: bool) -> None:
    (tmp_path / "config.toml").write_text(f"plain = {str(not plain).lower()}", encoding="utf-8")
    assert load_settings({}, environ(tmp_path, XIAOAN_PLAIN=word)).plain is plain


def test_a_variable_that_neither_switches_on_nor_off_says_what_is_possible(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"XIAOAN_PLAIN里的 plain 不对.*true 或 false"):
        load_settings({}, environ(tmp_path, XIAOAN_PLAIN="maybe"))


def test_a_flag_can_switch_off_what_the_file_switches_on(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("plain = true", encoding="utf-8")
    assert load_settings({"plain": False}, environ(tmp_path)).plain is False
    assert load_settings({"plain": None}, environ(tmp_path)).plain is True


def test_numbers_of_the_environment_are_numbers(tmp_path: Path) -> None:
    settings = load_settings({}, environ(tmp_path, XIAOAN_LEAVE_AFTER="5", XIAOAN_SLOW_S="90"))
    assert (settings.leave_after, settings.slow_s) == (5, 90)
    with pytest.raises(UsageError, match="XIAOAN_SLOW_S"):
        load_settings({}, environ(tmp_path, XIAOAN_SLOW_S="soon"))


def test_a_wrong_flag_is_called_a_flag(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--device"):
        load_settings({"device": "gpu"}, environ(tmp_path))


def test_settings_made_directly_are_checked_too() -> None:
    with pytest.raises(UsageError, match="dtype"):
        Settings(dtype="half")


@pytest.mark.parametrize("content", [b"model = x", b"model = '\xff'"])
def test_a_broken_file_is_one_readable_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"config\.toml"):
        load_settings({}, environ(tmp_path))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'\xef\xbb\xbfdevice = "cpu"\n')
    assert load_settings({}, environ(tmp_path)).device == "cpu"


def test_a_named_file_has_to_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        load_settings({}, environ(tmp_path), config=str(tmp_path / "nowhere.toml"))


def test_paths_in_the_file_are_relative_to_it_and_hub_ids_stay(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "config.toml").write_text(
        'model = "model"\nprefix = "THUDM/prefix"\nbank = "题库.xlsx"\n', encoding="utf-8"
    )
    settings = load_settings({}, environ(tmp_path))
    assert settings.model == str(tmp_path / "model")
    assert settings.prefix == "THUDM/prefix"
    assert bank_paths(settings) == (tmp_path / "题库.xlsx",)


def test_the_environment_can_name_several_banks(tmp_path: Path) -> None:
    settings = load_settings({}, environ(tmp_path, XIAOAN_BANK=os.pathsep.join(["a.xlsx", "b.xlsx"])))
    assert settings.bank == ("a.xlsx", "b.xlsx")


def test_another_model_has_no_prefix_unless_one_is_named() -> None:
    assert Settings().effective_prefix is None
    assert Settings(model="x").effective_prefix == "off"
    assert Settings(model="x", prefix="y").effective_prefix == "y"


def test_bank_off_means_no_bank() -> None:
    assert bank_paths(Settings(bank=("off",))) == ()


def test_defaults_are_found_in_a_checkout_and_in_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "xiaoan"
    package.mkdir()
    assert default_paths(package).model == tmp_path / "checkpoints" / "xiaoan-demo"
    (package / "_default").mkdir()
    assert default_paths(package).model == package / "_default" / "checkpoints" / "xiaoan-demo"
    assert default_paths(package).prefix.name == "xiaoan-demo-prefix"
    assert bank_paths(Settings(), package) == (package / "_default" / "question_banks" / "安规示例题库.xlsx",)


def test_the_shipped_file_explains_every_key_and_sets_none() -> None:
    text = DEFAULT_CONFIG_FILE.read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    assert tuple(line.split()[1] for line in text.splitlines() if " = " in line) == KEYS


def test_the_shipped_file_uncommented_is_accepted(tmp_path: Path) -> None:
    lines = DEFAULT_CONFIG_FILE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines if " = " in line)
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    assert load_settings({}, environ(tmp_path)).device == "auto"


def test_the_home_folder_moves_with_its_variable_and_is_private(tmp_path: Path) -> None:
    home = home_path({"XIAOAN_HOME": str(tmp_path / "a" / "家")})
    prepare_home(home)
    assert home == tmp_path / "a" / "家"
    if os.name == "posix":
        assert home.stat().st_mode & 0o777 == 0o700


def test_without_the_variable_the_platform_says_where() -> None:
    assert "xiaoan" in home_path({}).name


def test_a_home_that_is_a_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="XIAOAN_HOME"):
        prepare_home(tmp_path / "file")


def test_an_adapter_takes_the_place_of_the_default_prefix_unless_one_is_named(tmp_path: Path) -> None:
    assert load_settings({"lora": "a"}, environ(tmp_path)).effective_prefix == "off"
    assert load_settings({"lora": "a", "prefix": "p"}, environ(tmp_path)).effective_prefix == "p"
    off = load_settings({"lora": "off"}, environ(tmp_path, XIAOAN_LORA="a"))
    assert (off.effective_lora, off.effective_prefix) == (None, None)


def test_an_adapter_in_the_settings_file_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "我的").mkdir()
    (tmp_path / "config.toml").write_text('lora = "我的"', encoding="utf-8")
    assert load_settings({}, environ(tmp_path)).effective_lora == str(tmp_path / "我的")
