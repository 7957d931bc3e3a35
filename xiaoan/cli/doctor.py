"""`xiaoan doctor`: is everything here that an answer needs, and if not, what to do."""

import json
from typing import Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.conversion import ConversionFlags
from xiaoan.cli.conversion import convert as do_convert
from xiaoan.cli.services import Action, Services
from xiaoan.config import Settings

Convert = Annotated[
    bool, typer.Option("--convert", help="把模型的 .bin 权重转成 safetensors，只需一次；原文件不动")
]
Output = Annotated[
    str | None,
    typer.Option("--output", metavar="文件夹", help="和 --convert 一起用：另写一份到这个文件夹"),
]
Force = Annotated[
    bool, typer.Option("--force", help="和 --convert 一起用：换掉已有的、内容不同的 safetensors")
]
_MISSING_CODE = 1


def doctor(
    context: typer.Context,
    as_json: options.AsJson = False,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    bank_files: options.Bank = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    config: options.Config = None,
    convert: Convert = False,
    output: Output = None,
    force: Force = False,
) -> Action:
    """检查环境：Python、torch、显卡、内存、模型、前缀、题库、数据文件夹、终端。

    能用退出码为 0，缺少必需的东西为 1。

    --convert 把模型的 .bin 权重转成 safetensors，写在旁边，原来的不动；停下后再运行同一条命令就接着转换。
    加 --dtype int4 --output 文件夹，另写一份量化好的，以后启动不用每次量化。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, None, None, config, lora=lora)
    flags = ConversionFlags(convert, output, force, dtype, as_json)

    def act() -> int:
        flags.check()
        settings, services = options.settings_for(context, common), options.services_of(context)
        return do_convert(flags, settings, services) if convert else _doctor(settings, services, as_json)

    return act


def _doctor(settings: Settings, services: Services, as_json: bool) -> int:
    from xiaoan.cli.diagnosis import Status, examine
    from xiaoan.terminal.screen import Check

    findings = list(examine(settings, services.environ, services.stdout))
    usable = all(finding.status is not Status.MISSING for finding in findings)
    if as_json:
        rows = [
            {"name": item.name, "status": str(item.status), "found": item.found, "advice": item.advice}
            for item in findings
        ]
        print(
            json.dumps({"usable": usable, "findings": rows}, ensure_ascii=False, indent=2),
            file=services.stdout,
        )
    else:
        services.screen(services.stdout).checklist(
            [Check(item.name, str(item.status), item.found, item.advice) for item in findings],
            "可以使用。" if usable else "缺少必需的东西，按上面的提示处理后再试。",
        )
    return 0 if usable else _MISSING_CODE
