"""`xiaoan practice`: question after question, each judged at once."""

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import options, study
from xiaoan.cli.services import Action, Services
from xiaoan.config import Settings
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.cli.study_room import Room
    from xiaoan.question_bank.drawing.paper import Paper

_COUNT = 20


def practice(
    context: typer.Context,
    professions: study.Professions = None,
    types: study.Types = None,
    clause: study.Clause = "",
    search: study.Search = "",
    count: Annotated[
        int | None, typer.Option("--count", metavar="数", min=1, help=f"做多少题；不写就做 {_COUNT} 题")
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="背题：题目连同答案一起看，不作答")] = False,
    seed: study.PaperSeed = None,
    resume: study.Resume = False,
    with_bot: study.WithBot = False,
    no_save: study.NoSave = False,
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
    """练习：一题一题地做，答完马上看对错、答案和依据。

    没做过的题先出，再出最久没做的。做到一半可以离开，用 --resume 接着做。
    """
    common = options.Common(
        model, prefix, bank_files, device, dtype, None, decode, config, user, plain, lora=lora
    )
    choice = study.Choice(professions, types, clause, search, count, seed)

    def action() -> int:
        settings, services = options.settings_for(context, common), options.services_of(context)
        if answers:
            if resume or with_bot:
                raise UsageError("背题（--answers）不作答，不能和 --resume、--with-bot 一起写。")
            return _recite(settings, services, choice.checked())
        return _practise(
            settings, services, choice.checked(), resume=resume, with_bot=with_bot, save=not no_save
        )

    return action


def _practise(
    settings: Settings,
    services: Services,
    choice: study.Choice,
    *,
    resume: bool,
    with_bot: bool,
    save: bool,
) -> int:
    from xiaoan.cli.study_room import open_room
    from xiaoan.question_bank.session import PracticeSession

    if resume:
        choice.refuse_beside(study.RESUMED, **{"no-save": not save})
    with open_room(settings, services, save=save) as room:
        session_id = None
        if resume:
            session, session_id = room.resume("practice", PracticeSession.with_state)
        else:
            session = PracticeSession(_draw(room, choice))
            room.tell_unfinished("practice")
            room.announce(session.paper)
        room.tell_keys(kept=save)
        desk = room.desk(with_bot=with_bot or room.bot_follows)
        session = desk.run_practice(session, room.recorder("practice", session_id))
        if resume and session.finished:
            room.tell_unfinished("practice")
        return desk.exit_code


def _recite(settings: Settings, services: Services, choice: study.Choice) -> int:
    from xiaoan.cli.study_room import open_room

    with open_room(settings, services, save=False) as room:
        paper = replace(_draw(room, choice, shuffle=False), title="背题")
        room.announce(paper)
        room.tell_keys(kept=False, answers=False)
        desk = room.desk(with_bot=False)
        desk.run_recital(paper)
        return desk.exit_code


def _draw(room: "Room", choice: study.Choice, *, shuffle: bool = True) -> "Paper":
    from xiaoan.question_bank.drawing.selection import draw_round

    seed = room.seed(choice.seed)
    return draw_round(
        room.bank,
        choice.wanted(),
        count=choice.count or _COUNT,
        seen=room.progress.seen(),
        rng=random.Random(seed),
        seed=seed,
        shuffle=shuffle,
    )
