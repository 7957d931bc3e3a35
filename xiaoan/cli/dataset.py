"""`xiaoan dataset`: training data made from banks and templates, and a look at data before training on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from xiaoan.cli import dataset_documents, options
from xiaoan.cli.dataset_documents import Built
from xiaoan.cli.help import HelpfulCommand
from xiaoan.cli.services import Action, Services, is_terminal, write_json
from xiaoan.config import Settings, bank_paths, default_paths
from xiaoan.errors import UsageError
from xiaoan.whole_files import check_place

if TYPE_CHECKING:
    from xiaoan.question_bank.question import Question
    from xiaoan.training.data.dataset_check import DatasetCheck
    from xiaoan.training.data.pair_files import Columns
    from xiaoan.training.data.pairs import Pair
    from xiaoan.training.data.splits import Parted, Split

_SPOILT_CODE = 1
_COUNT = 1000

app = typer.Typer(help="训练数据：从题库或模板生成、检查", no_args_is_help=False, rich_markup_mode=None)


@dataclass(frozen=True)
class _Order:
    """What `dataset build` was asked for."""

    out: Path
    forms: tuple[str, ...]
    template: Path | None
    count: int | None
    split: str | None
    copies: int
    unanswerable: float
    force: bool


@app.callback()
def dataset() -> None:
    """训练数据：从题库或模板生成、检查。"""


@app.command("build", cls=HelpfulCommand)
def build(
    context: typer.Context,
    out: Annotated[str, typer.Option("--out", metavar="文件", help="写到哪里，.json 或 .jsonl")],
    bank_files: options.Bank = None,
    forms: Annotated[
        list[str] | None,
        typer.Option(
            "--form",
            metavar="形式",
            help="plain 只有题干，options 带选项，spoken 口语问法，all 全部；可写多次，不写就是 plain",
        ),
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", metavar="文件", help="不用题库，从模板（.toml、.yaml）生成")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", metavar="数", min=1, help=f"从模板生成多少条，不写就是 {_COUNT}")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="分法",
            help="留出一部分写成另一个文件：group:0.1（近似题不拆开）、random:0.1、profession:变电",
        ),
    ] = None,
    copies: Annotated[
        int, typer.Option("--copies", metavar="数", min=1, max=100, help="选项顺序和问法打乱几遍，各写一份")
    ] = 1,
    unanswerable: Annotated[
        float, typer.Option("--unanswerable", metavar="比例", help="答“题库未收录”的例子占多少，如 0.1")
    ] = 0.0,
    seed: options.Seed = None,
    force: Annotated[bool, typer.Option("--force", help="文件已经存在时覆盖它")] = False,
    as_json: options.AsJson = False,
    config: options.Config = None,
) -> Action:
    """把题库（或模板）写成训练数据：每条一个 content（题目）和一个 summary（答案）。

    同样的题、同样的种子，写出来的文件一个字节也不差。--split 写两个文件：名字后面加 -train 和 -validation。
    """
    common = options.Common(bank=bank_files, seed=seed, config=config)

    def action() -> int:
        from xiaoan.training.data.bank_forms import forms_named

        order = _Order(
            out=Path(out).expanduser(),
            forms=forms_named(forms or ["plain"]),
            template=Path(template).expanduser() if template else None,
            count=count,
            split=split,
            copies=copies,
            unanswerable=unanswerable,
            force=force,
        )
        _check_order(order, with_bank=bool(bank_files), with_forms=bool(forms))
        settings = options.settings_for(context, common)
        return _build(order, settings, options.services_of(context), as_json=as_json)

    return action


@app.command("check", cls=HelpfulCommand)
def check(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="文件…", help="训练文件；后面可以再写一个验证文件")],
    model: options.Model = None,
    max_source_length: Annotated[
        int, typer.Option("--max-source-length", metavar="数", min=2, help="题目最多多少个词元")
    ] = 64,
    max_target_length: Annotated[
        int, typer.Option("--max-target-length", metavar="数", min=3, help="答案最多多少个词元")
    ] = 64,
    prompt_column: Annotated[
        str, typer.Option("--prompt-column", metavar="列", help="题目在哪一列")
    ] = "content",
    response_column: Annotated[
        str, typer.Option("--response-column", metavar="列", help="答案在哪一列")
    ] = "summary",
    history_column: Annotated[
        str | None, typer.Option("--history-column", metavar="列", help="前几轮问答在哪一列")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="列出每一处，不只是每种的前几处")] = False,
    as_json: options.AsJson = False,
    config: options.Config = None,
) -> Action:
    """训练前看一看数据：长度会不会被截断，有没有重复、矛盾、空的，答案在不在选项里。

    没有会影响训练的问题退出码为 0（只有重复也算），有为 1，有文件读不了为 2。
    """
    common = options.Common(model=model, config=config)

    def action() -> int:
        from xiaoan.training.data.pair_files import Columns

        settings = options.settings_for(context, common)
        columns = Columns(prompt_column, response_column, history_column)
        found = _checked(files, columns, settings, limits=(max_source_length, max_target_length))
        return _show_check(found, options.services_of(context), everything=everything, as_json=as_json)

    return action


def _check_order(order: _Order, *, with_bank: bool, with_forms: bool) -> None:
    """Raise UsageError for what does not go together, before anything is read."""
    from xiaoan.training.data.pair_files import check_suffix

    if order.template and (with_bank or with_forms or order.unanswerable or order.copies > 1):
        raise UsageError(
            "--template 是从模板生成，不能再写 --bank、--form、--copies、--unanswerable；请分两次生成。"
        )
    if order.count and not order.template:
        raise UsageError("--count 要和 --template 一起用；题库有多少题就写多少条。")
    check_suffix(order.out)
    for path in _targets(order):
        check_place(path, force=order.force)


def _targets(order: _Order) -> tuple[Path, ...]:
    """One file, or two with names of their own for a split."""
    if order.split is None:
        return (order.out,)
    return tuple(order.out.with_stem(f"{order.out.stem}-{name}") for name in ("train", "validation"))


def _build(order: _Order, settings: Settings, services: Services, *, as_json: bool) -> int:
    from xiaoan.training.data.pair_files import write_pairs
    from xiaoan.training.data.splits import parse_split

    split = parse_split(order.split) if order.split is not None else None
    make = _from_bank if order.template is None else _from_template
    built = make(order, split, settings, services)
    for path, pairs in built.files:
        write_pairs(path, pairs)
    if as_json:
        write_json(services.stdout, dataset_documents.built_document(built), indent=2)
    else:
        _show_built(built, services)
    return 0


def _from_bank(order: _Order, split: "Split | None", settings: Settings, services: Services) -> Built:
    from xiaoan.assistant.open_bank import open_questions
    from xiaoan.training.data.bank_forms import BankRecipe, can_ask
    from xiaoan.training.data.splits import split_questions
    from xiaoan.training.data.unanswerable import NOT_IN_BANK
    from xiaoan.training.dataset import written_out

    recipe = BankRecipe(order.forms, unanswerable=order.unanswerable)
    names = bank_paths(settings)
    if not names:
        raise UsageError("题库用 off 关掉了。请用 --bank 指定题库，或用 --template 指定模板。")
    _say(services, "正在读题库…")
    bank = open_questions(names, options.bank_cache(services.environ))
    questions = tuple(bank)
    if not questions:
        raise UsageError("题库里没有一道题，没有写；用 xiaoan bank check 看看每一行为什么没有读成题。")
    parts: tuple[Sequence[Question], ...] = (questions,)
    parted = None
    if split is not None:
        _say(services, f"正在把 {len(questions)} 题分成两份…")
        parted = split_questions(questions, split, settings.seed)
        parts = (parted.train, parted.held_out)
    made = [
        written_out(part, recipe, known=questions, copies=order.copies, seed=settings.seed) for part in parts
    ]
    learnt = {pair.content for pair in made[0] if pair.summary == NOT_IN_BANK}
    made[1:] = [[pair for pair in held if pair.content not in learnt] for held in made[1:]]
    return Built(
        files=tuple(zip(_targets(order), map(tuple, made), strict=True)),
        seed=settings.seed,
        questions=questions,
        forms=order.forms,
        refused=bank.counts.refused,
        asked_plainly=sum(not all(can_ask(form, question) for form in order.forms) for question in questions),
        split=parted.facts if parted else None,
    )


def _from_template(order: _Order, split: "Split | None", settings: Settings, services: Services) -> Built:
    from xiaoan.training.data.splits import split_pairs
    from xiaoan.training.templates.generation import made_pairs
    from xiaoan.training.templates.template_file import read_template

    assert order.template is not None
    _say(services, "正在从模板生成…")
    pairs = made_pairs(
        read_template(order.template), order.count or _COUNT, Random(f"{settings.seed}-template")
    )
    if split is None:
        return Built(((order.out, tuple(pairs)),), settings.seed)
    parted: Parted[Pair] = split_pairs(pairs, split, settings.seed)
    train, validation = _targets(order)
    return Built(((train, parted.train), (validation, parted.held_out)), settings.seed, split=parted.facts)


def _say(services: Services, text: str) -> None:
    if is_terminal(services.stderr):
        services.screen(services.stderr).notice(text)


def _show_built(built: Built, services: Services) -> None:
    from xiaoan.terminal.screen import Fact

    screen = services.screen(services.stdout)
    facts = [Fact(name, str(count)) for name, count in built.by_type.items()]
    facts += [Fact("形式", "、".join(built.forms))] if built.forms else []
    facts += [Fact("题库未收录", f"{built.not_in_bank} 条")] if built.not_in_bank else []
    facts.append(Fact("种子", str(built.seed)))
    names = {
        "行被拒收（没有答案等），没有写；原因见 xiaoan bank check": built.refused,
        "题没有选项或是填空、简答题，只按 plain 写": built.asked_plainly,
        "个题目有不同的答案（如不同专业的同一道题），学不会；用 xiaoan dataset check 看": built.contradictions,
    }
    notes = [f"{count} {what}" for what, count in names.items() if count]
    if built.split is not None:
        notes.append(_split_note(built))
    if len(built.files) > 1:
        facts = [*(Fact(str(path), f"{len(pairs)} 条") for path, pairs in built.files), *facts]
        screen.page("已写到两个文件", facts, notes)
        return
    ((path, pairs),) = built.files
    screen.page(f"已写到 {path}：{len(pairs)} 条", facts, notes)


def _split_note(built: Built) -> str:
    assert built.split is not None
    facts = built.split
    share = facts.held_out / (facts.train + facts.held_out)
    unit = "题" if built.questions else "条"
    held = f"留出 {facts.held_out} {unit}（{share:.1%}），学 {facts.train} {unit}"
    if facts.professions:
        return f"{held}；留出的专业：{'、'.join(facts.professions)}"
    return f"{held}；近似题 {facts.groups} 组，没有拆开" if facts.kind == "group" else held


def _checked(
    names: Sequence[str], columns: "Columns", settings: Settings, *, limits: tuple[int, int]
) -> "DatasetCheck":
    from xiaoan.chatglm.model_folder import fetch_from_hub, load_tokenizer, resolve_folder
    from xiaoan.training.data.dataset_check import check_dataset
    from xiaoan.training.data.pair_files import read_pair_file

    if len(names) > 2:
        raise UsageError(f"一次检查一个文件，或训练、验证两个文件，现在写了 {len(names)} 个。")
    files = [read_pair_file(Path(name).expanduser(), columns) for name in names]
    tokenizer = load_tokenizer(resolve_folder(settings.model or default_paths().model, fetch=fetch_from_hub))
    return check_dataset(
        files,
        lambda text: len(tokenizer.encode(text, add_special_tokens=False)),
        max_source_length=limits[0],
        max_target_length=limits[1],
    )


def _show_check(found: "DatasetCheck", services: Services, *, everything: bool, as_json: bool) -> int:
    from xiaoan.terminal.dataset_report import check_lines

    if as_json:
        write_json(services.stdout, dataset_documents.check_document(found), indent=2)
    else:
        services.screen(services.stdout).lines(check_lines(found, everything=everything, bars=True))
    return _SPOILT_CODE if found.spoilt else 0
