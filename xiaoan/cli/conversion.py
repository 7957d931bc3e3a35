"""`xiaoan doctor --convert`: the model's weights as safetensors, once, so that every later start is quicker and safer."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xiaoan.cli.services import Services, write_json
from xiaoan.config import Settings, default_paths
from xiaoan.errors import Interrupted, UsageError
from xiaoan.figures import duration_text

if TYPE_CHECKING:
    from xiaoan.chatglm.conversion import Conversion

_GIB = 2**30
_MIB = 2**20
_HEAD = "+head"
_QUANTIZED = {"int8": 8, "int4": 4, f"int8{_HEAD}": 8, f"int4{_HEAD}": 4}


@dataclass(frozen=True)
class ConversionFlags:
    """What `xiaoan doctor` was told about converting; `dtype` is the flag, not the setting."""

    convert: bool
    output: str | None
    force: bool
    dtype: str | None
    as_json: bool

    def check(self) -> None:
        """Raise UsageError where the flags do not go together."""
        if not self.convert:
            if self.output is not None or self.force:
                raise UsageError("--output 和 --force 要和 --convert 一起用")
            return
        if self.dtype not in (None, "auto", *_QUANTIZED):
            raise UsageError(
                f"--convert 不改精度，只能量化：--dtype 写 {'、'.join(_QUANTIZED)}，不能写 {self.dtype}"
            )
        if self.dtype in _QUANTIZED and self.output is None:
            raise UsageError(f"量化好的一份不会盖掉原来的；请加 --output 文件夹，说 {self.dtype} 的写到哪里")
        if self.force and self.output is not None:
            raise UsageError("--output 的文件夹要是空的或没有的，--force 在这里不管用；请换一个文件夹")


def convert(flags: ConversionFlags, settings: Settings, services: Services) -> int:
    """Convert the model that the settings name; return 0.

    Raises:
        CheckpointError: its files are missing or broken, or are quantised already.
        StorageError: too little room, or something cannot be written.
        Interrupted: Ctrl-C; the message says how to go on.
    """
    from xiaoan.chatglm.conversion import convert_in_place, write_converted
    from xiaoan.chatglm.model_folder import fetch_from_hub, resolve_folder
    from xiaoan.terminal.console import make_console
    from xiaoan.terminal.progress_bar import ProgressBar

    model = default_paths().model if settings.model is None else settings.model
    folder = resolve_folder(model, fetch=fetch_from_hub)
    output = Path(flags.output).expanduser() if flags.output is not None else None
    console = make_console(services.stderr, width=services.width)
    bar = ProgressBar(console, "转换", clock=services.clock, plain=settings.plain, unit="MiB")
    started = services.clock()

    def show(done: int, total: int) -> None:
        bar.show(done // _MIB, total // _MIB)

    try:
        with bar:
            bar.show(0, 1)
            if output is None:
                made = convert_in_place(folder, force=flags.force, on_progress=show)
            else:
                wanted = flags.dtype or ""
                made = write_converted(
                    folder,
                    output,
                    bits=_QUANTIZED.get(wanted, 0),
                    head=wanted.endswith(_HEAD),
                    on_progress=show,
                )
    except KeyboardInterrupt as error:
        raise Interrupted(_how_to_go_on(services.arguments)) from error
    _say(made, flags, settings, services, services.clock() - started)
    return 0


def _how_to_go_on(arguments: tuple[str, ...]) -> str:
    words = ["xiaoan", *arguments]
    command = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    return f"停下了，写好的文件都留着，原来的没有动。\n接着转换，再运行同一条命令：\n{command}"


def _say(
    made: "Conversion", flags: ConversionFlags, settings: Settings, services: Services, seconds: float
) -> None:
    """Say what was written, and what to do with it."""
    if flags.as_json:
        document = {
            "converted": bool(made.files),
            "folder": str(made.folder),
            "dtype": flags.dtype if flags.dtype in _QUANTIZED else None,
            "files": list(made.files),
            "kept": list(made.kept),
            "tensors": made.tensors,
            "bytes": made.nbytes,
            "seconds": round(seconds, 1),
        }
        write_json(services.stdout, document, indent=2)
        return
    screen = services.screen(services.stdout, plain=settings.plain)
    if not made.files:
        screen.notice(f"{made.folder} 的权重已经是 safetensors，不用转换。")
        return
    kept = f"（其中 {len(made.kept)} 个是上次写好的）" if made.kept else ""
    screen.notice(
        f"转换好了：{made.folder}，{len(made.files)} 个文件{kept}，{made.tensors} 个权重，"
        f"{_size(made.nbytes)}，写好一个就读回来核对一个，用时 {duration_text(seconds)}。"
    )
    if flags.output is None:
        screen.notice("以后载入用新文件。原来的 .bin 没有动，确认好用以后可以删掉，腾出同样大的空间。")
    else:
        quantized = "，不再每次量化" if flags.dtype in _QUANTIZED else ""
        screen.notice(f"以后这样启动{quantized}：xiaoan --model {shlex.quote(str(made.folder))}")


def _size(nbytes: int) -> str:
    return f"{nbytes / _GIB:.2f} GiB" if nbytes >= _GIB else f"{nbytes / _MIB:.0f} MiB"
