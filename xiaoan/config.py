"""Settings and where things lie: default < config.toml < environment < command-line flag.

Everything here takes the environment and the paths as arguments, so that a test never touches a person's own
files.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from xiaoan.errors import StorageError, UsageError

OFF = "off"
"""The word that switches the prefix or the bank off."""

DEVICES = "auto、cpu、cuda、cuda:0、mps"
DTYPES = ("auto", "float32", "float16", "bfloat16", "int8", "int4", "int8+head", "int4+head")
DECODES = ("auto", "free", "content")
PARTIAL_CREDITS = ("none", "half", "share")
LONGEST_USER = 64

_ENVIRONMENT_PREFIX = "XIAOAN_"
_HOME_VARIABLE = "XIAOAN_HOME"
_CONFIG_VARIABLE = "XIAOAN_CONFIG"
_CONFIG_NAME = "config.toml"
_PACKAGE = Path(__file__).resolve().parent
_WHOLE_NUMBERS = {
    "seed": (range(2**63), "0 或正整数"),
    "leave_after": (range(1, 101), "1 到 100 的整数"),
    "slow_s": (range(1, 86_401), "1 到 86400 的整数（秒）"),
}
_SWITCHES = ("compile", "plain")
_SWITCH_WORDS = {
    **dict.fromkeys(["1", "true", "yes", "on"], True),
    **dict.fromkeys(["0", "false", "no", "off"], False),
}
"""What a variable of the environment says to switch something on or off."""

DEFAULT_CONFIG_FILE = _PACKAGE / "default_config.toml"
"""The settings file that ships with the program: every key, each with a comment."""


@dataclass(frozen=True)
class Settings:
    """Everything that a person can set. None means the one that ships with the program."""

    model: str | None = field(default=None, metadata={"help": "模型文件夹或仓库名"})
    prefix: str | None = field(default=None, metadata={"help": "前缀检查点文件夹，off 表示不用"})
    lora: str | None = field(default=None, metadata={"help": "LoRA 适配器文件夹，off 表示不用"})
    bank: tuple[str, ...] = field(
        default=(), metadata={"help": "题库文件、文件夹或 *.xlsx，可以有几个，off 表示不用"}
    )
    device: str = field(default="auto", metadata={"help": f"设备：{DEVICES}"})
    dtype: str = field(default="auto", metadata={"help": f"精度：{'、'.join(DTYPES)}"})
    compile: bool = field(default=False, metadata={"help": "用 torch.compile 编译解码，要有编译器"})
    seed: int = field(default=0, metadata={"help": "随机种子"})
    decode: str = field(default="auto", metadata={"help": "带选项的题：content 按内容打分，free 自由生成"})
    user: str | None = field(default=None, metadata={"help": "谁在学：各人的进度分开存；不写就是登录名"})
    plain: bool = field(default=False, metadata={"help": "朴素显示：不用符号和颜色，适合读屏软件"})
    partial_credit: str = field(
        default="none",
        metadata={"help": "多选题少选怎么给分：none 不给，half 给一半，share 按选对的比例"},
    )
    leave_after: int = field(default=3, metadata={"help": "错题连续答对几次就移出错题本"})
    slow_s: int = field(default=60, metadata={"help": "答对但超过这么多秒，算作不熟"})

    def __post_init__(self) -> None:
        """Check every value; raise `UsageError` naming the first wrong one and what is possible."""
        for key in KEYS:
            problem = _problem(key, getattr(self, key))
            if problem:
                raise UsageError(f"设置 {key} 不对：{problem}")

    @property
    def uses_default_model(self) -> bool:
        """Whether the embedded demonstration model is the one asked for."""
        return self.model is None

    @property
    def effective_prefix(self) -> str | None:
        """The prefix to load: the default's own for the bare default model, none for any other unless named."""
        if self.prefix is None and (self.model is not None or self.effective_lora is not None):
            return OFF
        return self.prefix

    @property
    def effective_lora(self) -> str | None:
        """The adapter to load, None for none."""
        return None if self.lora == OFF else self.lora


KEYS: tuple[str, ...] = tuple(item.name for item in fields(Settings))


@dataclass(frozen=True)
class DefaultPaths:
    """Where the model, prefix and bank that ship with the program lie (they need not exist).

    `evaluation` is the folder of the questions that tell how good and how sure it is; `outside` those of them that are
    not in the bank and that a calibration may be fitted on.
    """

    model: Path
    prefix: Path
    bank: Path
    evaluation: Path

    @property
    def outside(self) -> Path:
        """The questions of elsewhere for `xiaoan calibrate`."""
        return self.evaluation / "校准-题外题.xlsx"


def default_paths(package: Path = _PACKAGE) -> DefaultPaths:
    """Return where the defaults lie: inside an installed wheel, else beside the package in a checkout."""
    installed = package / "_default"
    root = installed if installed.is_dir() else package.parent
    checkpoints = root / "checkpoints"
    return DefaultPaths(
        model=checkpoints / "xiaoan-demo",
        prefix=checkpoints / "xiaoan-demo-prefix",
        bank=root / "question_banks" / "安规示例题库.xlsx",
        evaluation=root / "question_banks" / "evaluation",
    )


def bank_paths(settings: Settings, package: Path = _PACKAGE) -> tuple[Path, ...]:
    """Return the bank files to read, empty when the bank is switched off."""
    if settings.bank == (OFF,):
        return ()
    if not settings.bank:
        return (default_paths(package).bank,)
    return tuple(Path(name).expanduser() for name in settings.bank)


def home_path(environ: Mapping[str, str]) -> Path:
    """Return the folder of all user data: `XIAOAN_HOME`, else the platform's place for it."""
    chosen = environ.get(_HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_data_path("xiaoan", appauthor=False)


def prepare_home(home: Path) -> None:
    """Create the folder of user data for its owner only (mode 0700) if it is not there.

    Raises:
        StorageError: it cannot be made, is no folder, or cannot be written.
    """
    advice = f"可以用环境变量 {_HOME_VARIABLE} 换一个能写的文件夹。"
    try:
        if not home.is_dir():
            home.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StorageError(f"建不了数据文件夹 {home}：{_reason(error)}。{advice}") from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise StorageError(f"数据文件夹 {home} 没有写权限。{advice}")


def config_path(environ: Mapping[str, str], flag: str | None = None) -> tuple[Path, bool]:
    """Return the settings file to read, and whether a person named it (then it has to exist)."""
    named = flag or environ.get(_CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser(), True
    return home_path(environ) / _CONFIG_NAME, False


def load_settings(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    config: str | None = None,
) -> Settings:
    """Return the settings: defaults, then the file, then the environment, then `flags`.

    Args:
        flags: values from the command line by key; None and empty sequences mean not given.
        environ: the environment variables.
        config: the settings file named on the command line, if one was.

    Raises:
        UsageError: an unknown key, a wrong value, or a named file that does not exist.
        StorageError: the settings file cannot be read.
    """
    values: dict[str, Any] = {}
    path, named = config_path(environ, config)
    for key, value in _read_file(path, named).items():
        values[key] = _accept(key, value, f"文件 {path}")
        if key in ("model", "prefix", "lora", "bank"):
            values[key] = _relative_to(path.parent, key, values[key])
    for key, text in _read_environment(environ).items():
        values[key] = _accept(key, _from_text(key, text), f"环境变量 {_ENVIRONMENT_PREFIX}{key.upper()}")
    return with_flags(Settings(**values), flags)


def with_flags(settings: Settings, flags: Mapping[str, Any]) -> Settings:
    """Return `settings` with what the command line gave instead; None and empty sequences mean not given.

    Raises:
        UsageError: a wrong value.
    """
    given = {
        key: _accept(key, value, f"命令行选项 --{key}")
        for key, value in flags.items()
        if value is not None and value != () and value != []
    }
    return replace(settings, **given)


def _read_file(path: Path, named: bool) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise UsageError(f"找不到设置文件 {path}。检查路径，或去掉 --config。") from None
        return {}
    except OSError as error:
        raise StorageError(f"读不了设置文件 {path}：{_reason(error)}。") from error
    try:
        # A byte order mark is what Windows' editor puts in front of UTF-8.
        values = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"设置文件 {path} 不是 UTF-8 编码，请另存为 UTF-8。") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"设置文件 {path} 不是合格的 TOML：{error}。文字要放在双引号里。") from error
    unknown = [key for key in values if key not in KEYS]
    if unknown:
        raise UsageError(
            f"设置文件 {path} 里有不认识的键：{'、'.join(unknown)}。"
            f"认识的键：{'、'.join(KEYS)}。改正或删掉它。"
        )
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    known = {_ENVIRONMENT_PREFIX + key.upper(): key for key in KEYS}
    found: dict[str, str] = {}
    for name, text in environ.items():
        if not name.startswith(_ENVIRONMENT_PREFIX) or name in (_HOME_VARIABLE, _CONFIG_VARIABLE) or not text:
            continue
        if name in known:
            found[known[name]] = text
        elif meant := difflib.get_close_matches(name, known, n=1, cutoff=0.85):
            # Other XIAOAN_ variables are other people's; one that is nearly ours is a typing slip.
            raise UsageError(
                f"不认识环境变量 {name}，是不是 {meant[0]}？认识的：{'、'.join(known)}。改正或取消它。"
            )
    return found


def _from_text(key: str, text: str) -> Any:
    if key == "bank":
        return [part for part in text.split(os.pathsep) if part]
    if key in _WHOLE_NUMBERS and re.fullmatch(r"[0-9]+", text):
        return int(text)
    if key in _SWITCHES:
        return _SWITCH_WORDS.get(text.strip().casefold(), text)
    return text


def _accept(key: str, value: Any, where: str) -> Any:
    if key == "bank":
        value = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else value
    problem = _problem(key, value)
    if problem:
        raise UsageError(f"{where}里的 {key} 不对：{problem}")
    return value


def _problem(key: str, value: Any) -> str | None:
    """Return what is wrong with a value and what is possible, or None."""
    if (
        key in ("model", "prefix", "lora")
        and value is not None
        and not (isinstance(value, str) and value.strip())
    ):
        return f"写的是 {value!r}，应是文件夹或仓库名。"
    if key == "bank" and not (
        isinstance(value, tuple) and all(isinstance(name, str) and name.strip() for name in value)
    ):
        return f"写的是 {value!r}，应是一个文件名或文件名的列表。"
    if key == "bank" and OFF in value and len(value) > 1:
        return "off 不能和文件名写在一起。"
    if key == "device" and not (isinstance(value, str) and re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value)):
        return f"写的是 {value!r}，可用：{DEVICES}。"
    if key == "dtype" and value not in DTYPES:
        return f"写的是 {value!r}，可用：{'、'.join(DTYPES)}。"
    if key in _WHOLE_NUMBERS:
        possible, called = _WHOLE_NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, int) or value not in possible:
            return f"写的是 {value!r}，应是 {called}。"
    if key in _SWITCHES and not isinstance(value, bool):
        return f"写的是 {value!r}，应是 true 或 false。"
    if key == "decode" and value not in DECODES:
        return f"写的是 {value!r}，可用：{'、'.join(DECODES)}。"
    return _learning_problem(key, value)


def _learning_problem(key: str, value: Any) -> str | None:
    """Return what is wrong with a value about practising, or None."""
    if key == "user" and value is not None and not (isinstance(value, str) and is_user_name(value)):
        return f"写的是 {value!r}，应是一行名字，最多 {LONGEST_USER} 个字。"
    if key == "partial_credit" and value not in PARTIAL_CREDITS:
        return f"写的是 {value!r}，可用：{'、'.join(PARTIAL_CREDITS)}。"
    return None


def is_user_name(text: str) -> bool:
    """Whether `text` can name a person: something visible on one line, not too long."""
    return bool(text.strip()) and text.isprintable() and len(text) <= LONGEST_USER


def _relative_to(folder: Path, key: str, value: Any) -> Any:
    """Resolve a path of the settings file against that file's folder; hub ids and `off` stay as they are."""
    if key == "bank":
        return tuple(name if name == OFF else str(folder / Path(name).expanduser()) for name in value)
    if value == OFF:
        return value
    beside = folder / Path(value).expanduser()
    return str(beside) if beside.exists() else value


def _reason(error: OSError) -> str:
    """Return why the system refused, in plain words."""
    known = {
        "PermissionError": "没有权限",
        "FileExistsError": "这个名字已经是一个文件",
        "NotADirectoryError": "路径当中有一段不是文件夹",
        "IsADirectoryError": "它是一个文件夹",
    }
    return known.get(type(error).__name__, error.strerror or type(error).__name__)
