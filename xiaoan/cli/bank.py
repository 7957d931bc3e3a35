"""`xiaoan bank`: looking after question banks."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.help import HelpfulCommand
from xiaoan.cli.services import Action, Services

_FAULTS_CODE = 1

app = typer.Typer(help="检查题库", no_args_is_help=False, rich_markup_mode=None)


@app.callback()
def bank() -> None:
    """检查题库。"""


@app.command("check", cls=HelpfulCommand)
def check(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="文件…", help="题库 Excel 文件，可以有几个")],
    as_json: options.AsJson = False,
) -> Action:
    """读题库，报告题数和每一处问题。

    没有问题退出码为 0，有问题为 1，读不了为 2。
    """
    return lambda: _check([Path(name) for name in files], options.services_of(context), as_json=as_json)


def _check(paths: list[Path], services: Services, *, as_json: bool) -> int:
    from xiaoan.assistant.open_bank import open_bank
    from xiaoan.terminal.screen import Fact

    found = open_bank(paths)
    assert found is not None, "the parser asks for at least one file"
    if as_json:
        document = {
            "files": [str(path) for path in paths],
            "questions": len(found.bank),
            "counts": dict(found.counts()),
            "faults": [asdict(fault) for fault in found.faults],
        }
        print(json.dumps(document, ensure_ascii=False, indent=2), file=services.stdout)
    else:
        facts = [Fact("题数", str(len(found.bank))), *(Fact(name, str(n)) for name, n in found.counts())]
        notes = [str(fault) for fault in found.faults]
        summary = f"有 {len(notes)} 处问题：" if notes else "没有发现问题。"
        services.screen(services.stdout).page("题库检查", facts, [summary, *notes])
    return _FAULTS_CODE if found.faults else 0
