"""`xiaoan doctor`: is everything here that an answer needs, and if not, what to do."""

import json

import typer

from xiaoan.cli import options
from xiaoan.cli.services import Action, Services
from xiaoan.config import Settings

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
) -> Action:
    """检查环境：Python、torch、显卡、内存、模型、前缀、题库、数据文件夹、终端。

    能用退出码为 0，缺少必需的东西为 1。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, None, None, config, lora=lora)
    return lambda: _doctor(
        options.settings_for(context, common), options.services_of(context), as_json=as_json
    )


def _doctor(settings: Settings, services: Services, *, as_json: bool) -> int:
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
