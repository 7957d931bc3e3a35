"""`xiaoan stats`: what a person has practised, at the terminal, as JSON and as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options
from xiaoan.cli.services import Action, Services, write_json
from xiaoan.config import Settings
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.question_bank.progress import Count, LearningStatistics, Progress
    from xiaoan.terminal.screen import Screen

Coverage = Mapping[str, tuple[int, int]]
"""For each 专业 of a bank how many of its questions were answered, and how many there are."""


def stats(
    context: typer.Context,
    days: Annotated[
        int | None, typer.Option("--days", metavar="天", min=1, help="只算最近这么多天，今天也算")
    ] = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="文件", help="另写一份带图的网页，不联网也能打开")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="网页文件已经有了就覆盖它")] = False,
    as_json: options.AsJson = False,
    user: options.User = None,
    bank_files: Annotated[
        list[str] | None,
        typer.Option("--bank", metavar="题库", help="再数一数这个题库里做过多少题，可写多次"),
    ] = None,
    plain: options.Plain = None,
    config: options.Config = None,
) -> Action:
    """看学习情况：各专业、题型和每天答了多少题，正确率怎样变化。"""
    common = options.Common(bank=bank_files, user=user, plain=plain, config=config)

    def action() -> int:
        settings = options.settings_for(context, common)
        services = options.services_of(context)
        page = _page_place(html, force=force)
        return _stats(
            settings,
            services,
            days=days,
            page=page,
            force=force,
            as_json=as_json,
            count_bank=bool(bank_files),
        )

    return action


def _page_place(html: str | None, *, force: bool) -> Path | None:
    """Return where the page goes, or None; raises for a place where none can be written."""
    if html is None:
        if force:
            raise UsageError("--force 只和 --html 一起用：xiaoan stats --html 学习情况.html --force")
        return None
    from xiaoan.reports.export import check_page_place

    path = Path(html).expanduser()
    check_page_place(path, force=force)
    return path


def _stats(
    settings: Settings,
    services: Services,
    *,
    days: int | None,
    page: Path | None,
    force: bool,
    as_json: bool,
    count_bank: bool,
) -> int:
    from xiaoan.cli.study import is_plain, progress_file
    from xiaoan.question_bank.progress import Progress, ReviewRules

    rules = ReviewRules(leave_after=settings.leave_after, slow_s=settings.slow_s)
    user = settings.user or services.login()
    with Progress.open(
        progress_file(services), user, now=services.now, rules=rules, read_only=True
    ) as progress:
        statistics = progress.statistics(days)
        due = progress.due_today()
        coverage = _coverage(progress, settings, services) if count_bank else {}
    if page is not None:
        from xiaoan.reports.export import write_page
        from xiaoan.reports.stats_page import stats_page

        write_page(stats_page(statistics, due, when=services.now(), user=user), page, force=force)
    if as_json:
        document = {"user": user, "days": days, **_document(statistics), "due_today": dict(due)}
        if count_bank:
            document["bank"] = {
                name: {"questions": total, "answered": seen} for name, (seen, total) in coverage.items()
            }
        write_json(services.stdout, document, indent=2)
        return 0
    screen = services.screen(services.stdout, plain=is_plain(settings, services))
    _show(statistics, due, coverage, user, days, screen)
    if page is not None:
        screen.notice(f"网页写好了：{page}")
    return 0


def _coverage(progress: "Progress", settings: Settings, services: Services) -> Coverage:
    from xiaoan.cli.study import open_study_bank

    bank = open_study_bank(settings, services)
    seen = progress.seen().keys()
    groups = {name: bank.ids(professions=[name]) for name in (*bank.by_profession(), "")}
    return {name: (len(seen & set(ids)), len(ids)) for name, ids in groups.items() if ids}


def _show(
    statistics: "LearningStatistics",
    due: Mapping[str, int],
    coverage: Coverage,
    user: str,
    days: int | None,
    screen: "Screen",
) -> None:
    from xiaoan.terminal import progress_report
    from xiaoan.terminal.session_report import due_lines
    from xiaoan.terminal.verdict import Line

    width, plain = screen.width, screen.plain
    parts = [
        progress_report.statistics_lines(statistics, width=width, plain=plain, user=user, days=days),
        progress_report.plot_lines(statistics.by_day, width=width, plain=plain),
        progress_report.coverage_lines(coverage, width=width, plain=plain),
        due_lines(due, plain=plain) if statistics.attempts or due else (),
    ]
    for place, lines in enumerate(filter(None, map(list, parts))):
        screen.lines([*([Line("")] if place else []), *lines])


def _document(statistics: "LearningStatistics") -> dict[str, object]:
    """The statistics as JSON knows them; accuracies from 0 to 1, null of nothing."""
    return {
        **_count_document(statistics),
        "by_profession": {name: _count_document(count) for name, count in statistics.by_profession.items()},
        "by_type": {name: _count_document(count) for name, count in statistics.by_type.items()},
        "by_day": {day.isoformat(): _count_document(count) for day, count in statistics.by_day},
    }


def _count_document(count: "Count") -> dict[str, object]:
    return {
        "attempts": count.attempts,
        "right": count.right,
        "questions": count.questions,
        "seconds": round(count.seconds, 1),
        "accuracy": None if count.accuracy is None else round(count.accuracy, 4),
    }
