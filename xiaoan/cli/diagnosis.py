"""What `xiaoan doctor` looks at: what the program needs, what was found, and what to do about it."""

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from xiaoan.cli.options import bank_cache
from xiaoan.config import OFF, Settings, bank_paths, config_path, default_paths, home_path
from xiaoan.errors import CheckpointError, XiaoanError

_GIB = 1024**3
_OLDEST_PYTHON = (3, 11)
_NARROWEST = 50
_CUDA_TORCH = "https://pytorch.org/get-started/locally/"


class Status(StrEnum):
    """How well a thing is: `missing` means that the program cannot answer without it."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One thing looked at, what was found, and what to do (empty if nothing)."""

    name: str
    status: Status
    found: str
    advice: str = ""


def examine(settings: Settings, environ: Mapping[str, str], stdout: TextIO) -> Iterator[Finding]:
    """Yield a finding for everything that an answer at this terminal needs."""
    yield _python()
    yield from _torch(settings)
    yield _memory()
    yield _model(settings)
    yield _prefix(settings)
    yield from _adapter(settings)
    yield _bank(settings, bank_cache(environ, make_home=False))
    yield _config(environ)
    yield _home(home_path(environ))
    yield _terminal(stdout)


def _python() -> Finding:
    found = f"{platform.python_version()}（{platform.system()} {platform.machine()}）"
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Finding("Python", Status.MISSING, found, "需要 3.11 或更新的 Python。")
    return Finding("Python", Status.OK, found)


def _torch(settings: Settings) -> Iterator[Finding]:
    try:
        import torch
        import transformers
    except (ImportError, OSError) as error:
        yield Finding("torch", Status.MISSING, f"载入不了：{error}", "重新安装：pip install xiaoan")
        return
    yield Finding("torch", Status.OK, f"{torch.__version__}，transformers {transformers.__version__}")
    wants_gpu = settings.device not in ("auto", "cpu")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            yield Finding(
                "显卡", Status.OK, f"cuda:{index} {device.name}，显存 {device.total_memory / _GIB:.1f} GiB"
            )
    elif torch.backends.mps.is_available():
        yield Finding("显卡", Status.OK, "mps（Apple）")
    else:
        advice = "没有也能用：演示模型在处理器上运行。"
        if torch.version.cuda is None and platform.system() == "Windows":
            advice = (
                "Windows 上 PyPI 的 torch 只能用处理器。有 NVIDIA 显卡时装 CUDA 版："
                f"pip install --force-reinstall torch，安装源按 {_CUDA_TORCH} 的说明选。"
            )
        if wants_gpu:
            advice = f"设置的是 {settings.device}，但没有可用的显卡；改用 --device auto。" + advice
        status = Status.MISSING if wants_gpu else Status.OK
        yield Finding("显卡", status, "没有可用的", advice)


def _memory() -> Finding:
    total = _memory_bytes()
    if total is None:
        return Finding("内存", Status.OK, "查不到")
    cores = os.cpu_count() or 1
    advice = ""
    if total < 14 * _GIB:
        advice = "半精度的 ChatGLM-6B 约需 13 GiB，放不下；" + (
            "int4 约需 5 GiB，可以用 --dtype int4。" if total >= 7 * _GIB else "只够演示模型。"
        )
    return Finding("内存", Status.OK, f"{total / _GIB:.1f} GiB，处理器 {cores} 核", advice)


def _memory_bytes() -> int | None:
    """Return the machine's memory in bytes, None where the system does not say."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if sys.platform == "win32":
        import ctypes

        class MemoryStatus(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
                (name, ctypes.c_ulonglong)
                for name in ("total", "free", "page", "freepage", "virt", "freevirt", "ext")
            ]

        status = MemoryStatus()
        status.length = ctypes.sizeof(status)
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return int(status.total)
    return None


def _model(settings: Settings) -> Finding:
    folder = default_paths().model if settings.model is None else Path(settings.model).expanduser()
    if settings.model is None and not folder.exists():
        advice = "重新安装小安，或用 --model 指定模型文件夹。"
        return Finding("模型", Status.MISSING, f"没有演示模型：{folder}", advice)
    if not folder.exists() and _is_hub_id(settings.model):
        advice = "第一次用时要联网下载；离线请改用本地文件夹。"
        return Finding("模型", Status.WARNING, f"仓库名 {settings.model}", advice)
    kind = "演示模型 " if settings.model is None else ""
    found = _checked("模型", f"{kind}{folder}（{_size(folder)}）", lambda: _check_model(folder))
    if found.status is Status.OK and _has_bin_weights(folder):
        return replace(
            found, advice="权重是 .bin；转成 safetensors 载入更快，也更安全：" + _convert_line(folder)
        )
    return found


def _has_bin_weights(folder: Path) -> bool:
    from xiaoan.chatglm.weight_files import find_weight_files

    return find_weight_files(folder)[0].suffix == ".bin"


def _convert_line(folder: Path) -> str:
    return f"xiaoan doctor --convert --model {shlex.quote(str(folder))}"


def _check_model(folder: Path) -> None:
    """Raise what would stop the model from loading, as far as it shows without reading the weights."""
    from xiaoan.chatglm.model_folder import load_tokenizer, read_config
    from xiaoan.chatglm.weight_files import file_fault, find_weight_files, raise_faults

    if not folder.is_dir():
        raise CheckpointError(f"找不到模型文件夹 {folder}。检查 --model 的路径。")
    read_config(folder)
    raise_faults([fault for file in find_weight_files(folder) if (fault := file_fault(file))])
    load_tokenizer(folder)


def _prefix(settings: Settings) -> Finding:
    prefix = settings.effective_prefix
    if prefix == OFF:
        return Finding("前缀", Status.OK, "不用")
    folder = default_paths().prefix if prefix is None else Path(prefix).expanduser()
    found = _checked("前缀", f"{folder}（{_size(folder)}）", lambda: _check_prefix(folder))
    if found.status is Status.OK and (trained := _other_precision(folder, settings.dtype)):
        advice = "载入时会抽查训练过的题，和训练时不一致会说明；要完全一样就用训练时的精度。"
        return Finding(
            "前缀", Status.WARNING, f"{found.found}，在 {trained} 上训练，现在设的是 {settings.dtype}", advice
        )
    return found


def _check_prefix(folder: Path) -> None:
    from xiaoan.chatglm.prefix_checkpoint import load_prefix

    load_prefix(folder)


def _other_precision(folder: Path, dtype: str) -> str:
    """Return the precision that a prefix was trained on where it is known and `dtype` names another one, else ''."""
    from xiaoan.chatglm.prefix_checkpoint import load_prefix

    card = load_prefix(folder).card
    trained = card.dtype if card is not None else ""
    return trained if dtype not in ("auto", trained) else ""


def _adapter(settings: Settings) -> Iterator[Finding]:
    """Look at the LoRA adapter, if one is set."""
    if settings.effective_lora is None:
        return
    from xiaoan.chatglm.adapter_checkpoint import read_adapter

    folder = Path(settings.effective_lora).expanduser()
    yield _checked("适配器", f"{folder}（{_size(folder)}）", lambda: _ignored(read_adapter(folder)))


def _ignored(_: object) -> None:
    """Take a value that only its making was wanted of."""


def _checked(name: str, found: str, check: Callable[[], None]) -> Finding:
    """Return that `found` is well, or what `check` raises against it: the first line, then what to do."""
    try:
        check()
    except XiaoanError as error:
        fault, _, advice = error.message.partition("\n")
        return Finding(name, Status.MISSING, fault, advice)
    except ImportError as error:
        return Finding(name, Status.MISSING, f"没法检查：{error}", "先装好上面缺少的程序库。")
    return Finding(name, Status.OK, found)


def _is_hub_id(model: str | None) -> bool:
    return model is not None and model.count("/") == 1 and not model.startswith((".", "~", "/"))


def _bank(settings: Settings, cache: Path | None) -> Finding:
    from xiaoan.assistant.open_bank import open_bank

    try:
        found = open_bank(bank_paths(settings), cache)
    except XiaoanError as error:
        return Finding(
            "题库", Status.MISSING, error.message, "用 --bank 指定能打开的 Excel 题库，或 --bank off。"
        )
    if found is None:
        return Finding("题库", Status.WARNING, "不用", "没有题库，回答不会核对。")
    if found.fault_count:
        return Finding(
            "题库", Status.WARNING, found.title, f"有 {found.fault_count} 处问题，用 xiaoan bank check 查看。"
        )
    return Finding("题库", Status.OK, found.title)


def _config(environ: Mapping[str, str]) -> Finding:
    path, _ = config_path(environ)
    return Finding("设置", Status.OK, str(path) if path.is_file() else f"{path}（没有，都用默认值）")


def _home(home: Path) -> Finding:
    advice = "用环境变量 XIAOAN_HOME 换一个能写的文件夹；不改也能问答，只是不存历史记录。"
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding("数据文件夹", Status.WARNING, f"{home} 不能写", advice)
    free = f"可用空间 {shutil.disk_usage(existing).free / _GIB:.1f} GiB"
    if existing != home:
        return Finding("数据文件夹", Status.OK, f"{home}（第一次使用时建立，{free}）")
    if os.name == "posix" and home.stat().st_mode & 0o077:
        return Finding("数据文件夹", Status.WARNING, f"{home}（别人也能读，{free}）", f"chmod 700 {home}")
    return Finding("数据文件夹", Status.OK, f"{home}（{free}）")


def _terminal(stdout: TextIO) -> Finding:
    encoding = getattr(stdout, "encoding", None) or "未知"
    if not stdout.isatty():
        return Finding("终端", Status.OK, f"输出不是终端，编码 {encoding}，不用颜色")
    from xiaoan.terminal.console import make_console

    console = make_console(stdout)
    found = f"{console.width} 列，编码 {encoding}，{'有' if console.color_system else '没有'}颜色"
    if not encoding.lower().replace("-", "").startswith("utf8"):
        return Finding(
            "终端", Status.WARNING, found, "部分字符会显示成 ?。把终端编码设为 UTF-8（Windows：chcp 65001）。"
        )
    if console.width < _NARROWEST:
        return Finding("终端", Status.WARNING, found, f"窗口太窄，拉宽到 {_NARROWEST} 列以上更好看。")
    return Finding("终端", Status.OK, found)


def _size(folder: Path) -> str:
    """The size of all files below `folder` (0 MiB if there are none)."""
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{total / 1024**2:.0f} MiB"
