"""`xiaoan progress`: taking what was learnt along: backups, and answers from one machine to another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.help import HelpfulCommand
from xiaoan.cli.services import Action, Services
from xiaoan.config import home_path, prepare_home
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.terminal.screen import Fact

app = typer.Typer(help="进度：备份、恢复、导出、导入答题记录", no_args_is_help=False, rich_markup_mode=None)

Force = Annotated[bool, typer.Option("--force", help="文件已经存在时覆盖它")]


@app.callback()
def progress() -> None:
    """进度：备份、恢复、导出、导入答题记录。"""


@app.command("backup", cls=HelpfulCommand)
def backup(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="文件", help="要写的备份文件，如 进度备份.sqlite")],
    force: Force = False,
) -> Action:
    """把所有人的进度备份成一个文件：答题记录、错题本、没做完的测验。

    做着题也可以备份。恢复用 xiaoan progress restore。
    """
    return lambda: _back_up(_path(file), options.services_of(context), force=force)


@app.command("restore", cls=HelpfulCommand)
def restore(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="文件", help="xiaoan progress backup 写的文件")],
) -> Action:
    """用备份换掉现在的全部进度。

    先查备份是否完整；换下来的进度留在旁边，文件名以 .bak 结尾。
    """
    return lambda: _restore(_path(file), options.services_of(context))


@app.command("export", cls=HelpfulCommand)
def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="文件", help="要写的 JSON 文件")],
    user: options.User = None,
    everybody: Annotated[bool, typer.Option("--all", help="导出所有人的，不只是一个人的")] = False,
    force: Force = False,
    config: options.Config = None,
) -> Action:
    """把一个人的答题记录和收藏写成 JSON，别的机器和别的程序都能读。

    没做完的测验不在里面，要带走它们请用 backup。
    """

    def action() -> int:
        services = options.services_of(context)
        settings = options.settings_for(context, options.Common(user=user, config=config))
        if everybody and user is not None:
            raise UsageError("--all 是所有人，--user 是一个人，只写一个")
        name = None if everybody else settings.user or services.login()
        return _export(_path(file), name, services, force=force)

    return action


@app.command("import", cls=HelpfulCommand)
def import_(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="文件", help="xiaoan progress export 写的文件")],
) -> Action:
    """把别处导出的答题记录并进来，按名字归到各人。

    已经有的不会再算一遍，同一个文件导入两次也不要紧。
    """
    return lambda: _import(_path(file), options.services_of(context))


def _back_up(target: Path, services: Services, *, force: bool) -> int:
    from xiaoan.question_bank.records.transfer import back_up

    back_up(_database(services), target, force=force)
    services.screen(services.stdout).page(f"进度已备份到 {target}")
    return 0


def _restore(source: Path, services: Services) -> int:
    from xiaoan.question_bank.records.transfer import restore as restore_progress

    kept = restore_progress(_database(services, prepare=True), source)
    notes = [f"原来的进度留在 {kept}"] if kept else []
    services.screen(services.stdout).page(f"进度已从 {source} 恢复", notes=notes)
    return 0


def _export(target: Path, name: str | None, services: Services, *, force: bool) -> int:
    from xiaoan.question_bank.records.database import Database
    from xiaoan.question_bank.records.entries import clean_user
    from xiaoan.question_bank.records.exchange import export_progress

    names = None if name is None else [clean_user(name)]
    with Database.open(_database(services), read_only=True) as database:
        export_progress(database, target, names, force=force)
    services.screen(services.stdout).page(f"进度已导出到 {target}")
    return 0


def _import(source: Path, services: Services) -> int:
    from xiaoan.question_bank.records.database import Database
    from xiaoan.question_bank.records.exchange import ImportCounts, import_progress
    from xiaoan.terminal.screen import Fact

    def fact(counts: ImportCounts) -> "Fact":
        known = f"，{counts.known} 个已经有了" if counts.known else ""
        pins = f"，改了 {counts.pins} 个收藏" if counts.pins else ""
        return Fact(counts.user, f"新增 {counts.new} 个回答{known}{pins}")

    with Database.open(_database(services, prepare=True)) as database:
        facts = [fact(counts) for counts in import_progress(database, source)]
    services.screen(services.stdout).page(f"进度已从 {source} 导入", facts)
    return 0


def _database(services: Services, *, prepare: bool = False) -> Path:
    """The file that everybody's progress is in; `prepare` makes the folder for it."""
    from xiaoan.cli.study import progress_file

    if prepare:
        prepare_home(home_path(services.environ))
    return progress_file(services)


def _path(name: str) -> Path:
    """The path a person wrote; `~` of somebody unknown is a folder of that name."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)
