"""The options that many commands share, spelled once, and the settings they lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli.services import Services
from xiaoan.config import (
    DECODES,
    DEVICES,
    DTYPES,
    Settings,
    bank_paths,
    home_path,
    load_settings,
    prepare_home,
    with_flags,
)
from xiaoan.errors import StorageError, UsageError

if TYPE_CHECKING:
    from xiaoan.assistant.open_bank import OpenBank

Model = Annotated[
    str | None, typer.Option("--model", metavar="模型", help="模型文件夹或仓库名；不写就用随程序带的演示模型")
]
Prefix = Annotated[
    str | None, typer.Option("--prefix", metavar="前缀", help="前缀检查点文件夹；off 表示不用前缀")
]
Lora = Annotated[str | None, typer.Option("--lora", metavar="适配器", help="LoRA 适配器文件夹；off 表示不用")]
Bank = Annotated[
    list[str] | None,
    typer.Option("--bank", metavar="题库", help="题库文件、文件夹或 *.xlsx，可写多次；off 表示不用题库"),
]
Device = Annotated[str | None, typer.Option("--device", metavar="设备", help=f"设备：{DEVICES}")]
Dtype = Annotated[str | None, typer.Option("--dtype", metavar="精度", help=f"精度：{'、'.join(DTYPES)}")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="数", help="随机种子")]
Decode = Annotated[
    str | None,
    typer.Option(
        "--decode", metavar="方式", help=f"带选项的题怎么作答：{'、'.join(DECODES)}（按内容打分为 content）"
    ),
]
User = Annotated[
    str | None, typer.Option("--user", metavar="名字", help="谁在学，各人的进度分开存；不写就是登录名")
]
Plain = Annotated[
    bool | None,
    typer.Option("--plain/--no-plain", help="朴素显示：不用符号和颜色，一行说一件事，适合读屏软件"),
]
Config = Annotated[str | None, typer.Option("--config", metavar="文件", help="设置文件 config.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="只输出一份 JSON")]


@dataclass(frozen=True)
class Common:
    """The shared options as one command line gave them; None is not given."""

    model: str | None = None
    prefix: str | None = None
    bank: list[str] | None = None
    device: str | None = None
    dtype: str | None = None
    seed: int | None = None
    decode: str | None = None
    config: str | None = None
    user: str | None = None
    plain: bool | None = None
    lora: str | None = None


def settings_for(context: typer.Context, own: Common) -> Settings:
    """Return the settings; options behind a command outrank those before it (`xiaoan --model X ask`).

    A command inside a session starts from the session's settings, unless it names a file of its own.
    """
    outer: Common = context.meta.get(_OUTER, Common())
    flags = {**_given(outer), **_given(own)}
    config = flags.pop("config", None)
    services = services_of(context)
    if services.seat is not None and config is None:
        return with_flags(services.seat.settings, flags)
    return load_settings(flags, services.environ, config=str(config) if config else None)


def remember_outer(context: typer.Context, common: Common) -> None:
    """Keep the options given before the command's name for the command."""
    context.meta[_OUTER] = common


def open_filled_bank(settings: Settings, services: Services, purpose: str) -> "OpenBank":
    """Return the bank that the settings name.

    Raises:
        UsageError: it is switched off or has no questions for `purpose` (`考`, `学`).
        BankError: a file cannot be read.
    """
    from xiaoan.assistant.open_bank import open_bank

    bank = open_bank(bank_paths(settings), bank_cache(services.environ))
    if bank is None or not len(bank.bank):
        raise UsageError(f"没有题可{purpose}：题库是空的，或用 off 关掉了。请用 --bank 指定题库。")
    return bank


def bank_cache(environ: Mapping[str, str], *, make_home: bool = True) -> Path | None:
    """Return the file in which banks are kept once they are read.

    None where there is no data folder and none can be made (or `make_home` forbids it).
    """
    home = home_path(environ)
    try:
        if make_home:
            prepare_home(home)
    except StorageError:
        return None
    return home / "cache" / "banks.sqlite" if home.is_dir() else None


def services_of(context: typer.Context) -> Services:
    """Return the services that this run was started with."""
    services = context.obj
    assert isinstance(services, Services)
    return services


_OUTER = "xiaoan.outer_options"


def _given(common: Common) -> dict[str, object]:
    return {key: value for key, value in vars(common).items() if value not in (None, [])}
