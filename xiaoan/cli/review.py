"""`xiaoan review`: the questions that went wrong, when it is time to see them again."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options, study
from xiaoan.cli.services import Action, Services, write_json
from xiaoan.config import Settings
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.cli.study_room import Room
    from xiaoan.question_bank.progress import BookEntry

_COUNT = 20
_LISTED = 100


def review(
    context: typer.Context,
    professions: study.Professions = None,
    types: study.Types = None,
    clause: study.Clause = "",
    search: study.Search = "",
    count: Annotated[
        int | None, typer.Option("--count", metavar="数", min=1, help=f"复习多少题；不写最多 {_COUNT} 题")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="没到期的错题也复习；和 --list 一起写就全部列出")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="不复习，只列出错题本")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="和 --list 一样，输出一份 JSON")] = False,
    seed: study.PaperSeed = None,
    with_bot: study.WithBot = False,
    user: options.User = None,
    plain: options.Plain = None,
    bank_files: options.Bank = None,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    decode: options.Decode = None,
    config: options.Config = None,
) -> Action:
    """错题：复习答错过的题，按遗忘规律安排，到期的先来。

    连续答对几次就移出错题本（设置 leave_after）；复习时可以收藏，收藏的一直留着。
    """
    common = options.Common(
        model, prefix, bank_files, device, dtype, None, decode, config, user, plain, lora=lora
    )
    choice = study.Choice(professions, types, clause, search, count, seed)

    def action() -> int:
        settings, services = options.settings_for(context, common), options.services_of(context)
        if listed or as_json:
            return _list(settings, services, choice.checked(), everything=everything, as_json=as_json)
        return _review(settings, services, choice.checked(), everything=everything, with_bot=with_bot)

    return action


def _review(
    settings: Settings, services: Services, choice: study.Choice, *, everything: bool, with_bot: bool
) -> int:
    from xiaoan.cli.study_room import open_room
    from xiaoan.question_bank.drawing.selection import draw_known
    from xiaoan.question_bank.session import PracticeSession
    from xiaoan.terminal.session_report import due_lines

    with open_room(settings, services) as room:
        book = room.progress.book()
        if not book:
            room.screen.notice("错题本是空的：练习和测验里答错的题会自动进来。")
            return 0
        entries = book if everything else [entry for entry in book if entry.due < room.end_of_today]
        if not entries:
            room.screen.notice(_nothing_due(book, room))
            return 0
        known, lost = _in_bank(entries, room, choice)
        if not known and not lost:
            which = "" if everything else "今天到期的"
            raise UsageError(f"{which}错题里没有这样的题：{choice.wanted()}。放宽一项再试。")
        ids = [entry.question_id for entry in known[: choice.count or _COUNT]]
        seed = room.seed(choice.seed)
        gone = [entry.question_id for entry in lost]
        paper = draw_known(room.bank, [*ids, *gone], random.Random(seed), seed)
        room.screen.lines(due_lines(room.progress.due_today(), plain=room.screen.plain))
        if not len(paper):
            room.screen.notice("；".join(paper.notes))
            return 0
        room.announce(paper)
        room.tell_keys()
        desk = room.desk(with_bot=with_bot or room.bot_follows)
        desk.run_practice(PracticeSession(paper), room.recorder("review"))
        return desk.exit_code


def _list(
    settings: Settings, services: Services, choice: study.Choice, *, everything: bool, as_json: bool
) -> int:
    from xiaoan.cli.study_room import open_room
    from xiaoan.terminal.book_report import book_lines
    from xiaoan.terminal.session_report import due_lines

    with open_room(settings, services, read_only=True) as room:
        known, lost = _in_bank(room.progress.book(), room, choice)
        entries = sorted([*known, *lost], key=lambda entry: entry.due)[: choice.count]
        shown = entries if as_json or everything or choice.count else entries[:_LISTED]
        in_bank = {entry.question_id for entry in known}
        ids = [entry.question_id for entry in shown if entry.question_id in in_bank]
        stems = {one.id: one.stem for one in room.bank.questions_of(ids)}
        due = room.progress.due_today()
        if as_json:
            rows = [_document(entry, stems.get(entry.question_id)) for entry in shown]
            write_json(services.stdout, {"user": room.user, "due_today": due, "entries": rows}, indent=2)
            return 0
        screen = room.screen
        screen.lines(due_lines(due, plain=screen.plain))
        until, leave_after = room.end_of_today, settings.leave_after
        screen.lines(book_lines(shown, stems, until=until, leave_after=leave_after, plain=screen.plain))
        if more := len(entries) - len(shown):
            screen.notice(f"还有 {more} 题没有列出，全部列出用 {room.command}review --list --all")
        return 0


def _in_bank(
    entries: "Sequence[BookEntry]", room: "Room", choice: study.Choice
) -> "tuple[list[BookEntry], list[BookEntry]]":
    """Return the entries that are asked for, and, if nothing special is, those that the bank has no longer."""
    from xiaoan.question_bank.drawing.selection import Wanted, select

    wanted = choice.wanted()
    asked = set(room.bank.ids() if wanted == Wanted() else select(room.bank, wanted))
    known = [entry for entry in entries if entry.question_id in asked]
    lost = [entry for entry in entries if entry.question_id not in asked] if wanted == Wanted() else []
    return known, lost


def _nothing_due(book: "Sequence[BookEntry]", room: "Room") -> str:
    from xiaoan.terminal.book_report import due_text

    when = due_text(book[0].due, room.end_of_today)
    return f"今天没有到期的错题。错题本里有 {len(book)} 题，最早的 {when}；现在就复习用 {room.command}review --all"


def _document(entry: "BookEntry", stem: str | None) -> dict[str, object]:
    """Return a line of the book as JSON knows it; the stem is null where the bank has the question no longer."""
    return {
        "id": entry.question_id,
        "stem": stem,
        "profession": entry.profession,
        "type": entry.question_type,
        "due": entry.due.isoformat(timespec="seconds"),
        "streak": entry.streak,
        "wrong": entry.wrong,
        "pinned": entry.pinned,
    }
