"""`xiaoan ask`: questions from arguments or standard input, answers as text or JSON."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from xiaoan.cli import ask_files, options
from xiaoan.cli.services import Action, Services, is_terminal, write_json
from xiaoan.config import Settings, bank_paths
from xiaoan.errors import UsageError

if TYPE_CHECKING:
    from xiaoan.assistant.answering import Answer, Assistant

_USAGE_CODE = 2


def ask(
    context: typer.Context,
    questions: Annotated[
        list[str] | None, typer.Argument(metavar="[题目]…", help="要问的题；不写就从标准输入读，一行一题")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="输出一份 JSON：一题是一个对象，几题是一个数组")
    ] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="每题一行 JSON，边答边输出")] = False,
    input_file: ask_files.Input = None,
    output_file: ask_files.Output = None,
    force: ask_files.Force = False,
    resume: ask_files.Resume = True,
    model: options.Model = None,
    prefix: options.Prefix = None,
    lora: options.Lora = None,
    bank_files: options.Bank = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    decode: options.Decode = None,
    config: options.Config = None,
) -> Action:
    """问一道或几道题，答完就退出。

    题目写在命令后面，或从标准输入读（一行一题）；整个文件的题用 --input 题目.xlsx --output 答案.xlsx。
    全部答了退出码为 0，用法不对为 2，中断为 130。
    """
    common = options.Common(model, prefix, bank_files, device, dtype, seed, decode, config, lora=lora)

    def action() -> int:
        if as_json and as_jsonl:
            raise UsageError("--json 和 --jsonl 只能用一个。")
        services = options.services_of(context)
        files = ask_files.FileFlags(input_file, output_file, force=force, resume=resume)
        if files.given:
            if questions or as_json or as_jsonl:
                raise UsageError(
                    "用 --input 时题目都在文件里，命令后面不再写题目；格式看 --output 的结尾，不用 --json、--jsonl。"
                )
            return ask_files.answer_file(files, options.settings_for(context, common), services)
        form = "json" if as_json else "jsonl" if as_jsonl else "text"
        return answer_all(
            questions_from(questions, services.stdin), options.settings_for(context, common), services, form
        )

    return action


def answer_all(questions: Iterator[str], settings: Settings, services: Services, form: str) -> int:
    """Answer every question, write the answers as `form` (`text`, `json`, `jsonl`), return the exit code.

    A question that cannot be asked is named on standard error, the others are still answered, and the code is
    2.
    """

    answers: list[Answer] = []
    asked = 0

    def counted() -> Iterator[str]:
        nonlocal asked
        for asked, text in enumerate(questions, 1):  # noqa: B007 - it is the count that is wanted
            yield text

    def write(answer: "Answer") -> None:
        if form == "json":
            answers.append(answer)
        elif form == "jsonl":
            write_json(services.stdout, answer.to_document())
        else:
            services.screen(services.stdout).plain_answer(answer)

    try:
        return _answer_each(counted(), settings, services, write)
    finally:
        # Also after Ctrl-C: what was answered is not lost.
        if answers:
            documents = [answer.to_document() for answer in answers]
            # The shape follows from what was asked, not from how much of it could be answered.
            write_json(services.stdout, documents if asked > 1 else documents[0], indent=2)


def _answer_each(
    questions: Iterator[str], settings: Settings, services: Services, write: Callable[["Answer"], None]
) -> int:
    from xiaoan.assistant.answering import read_question

    code = 0
    assistant: Assistant | None = None
    for number, text in enumerate(questions, 1):
        try:
            read_question(text)
            assistant = assistant or _open(settings, services)
            write(assistant.answer(text))
        except UsageError as error:
            code = _USAGE_CODE
            print(f"xiaoan: 第 {number} 题：{error.message}", file=services.stderr, flush=True)
    return code


def _open(settings: Settings, services: Services) -> "Assistant":
    """Return the assistant with its model and bank."""
    from xiaoan.assistant.answering import Assistant
    from xiaoan.assistant.open_bank import open_bank

    screen = services.screen(services.stderr)
    told = screen.notice if is_terminal(services.stderr) else _silent
    bank = open_bank(bank_paths(settings), options.bank_cache(services.environ))
    if bank is not None and bank.fault_count:
        screen.warning(f"题库有 {bank.fault_count} 处问题，用 xiaoan bank check 查看。")
    engine = services.load_engine(settings, told)
    for warning in engine.info.warnings:
        screen.warning(warning)
    return Assistant(engine, bank.matcher if bank else None, clock=services.clock, decode=settings.decode)


def questions_from(arguments: list[str] | None, stdin: TextIO) -> Iterator[str]:
    """Yield the questions of the command line or, one a line, of standard input; at least one."""
    source: Iterable[str]
    if arguments:
        source = arguments
    elif is_terminal(stdin):
        raise UsageError('没有题目。写法：xiaoan ask "高压室的钥匙至少应有（ ）把"，或从管道送入，一行一题。')
    else:
        source = read_lines(stdin)
    found = False
    for text in source:
        if text.strip():
            found = True
            yield text
    if not found:
        raise UsageError('没有题目，收到的是空的。写法：xiaoan ask "高压室的钥匙至少应有（ ）把"')


def read_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of `stream` as they come, in UTF-8 or else GB18030; never raises on bad bytes."""
    raw = getattr(stream, "buffer", None)
    if raw is None:
        yield from stream
        return
    for number, line in enumerate(raw):
        content = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        try:
            yield content.decode("utf-8")
        except UnicodeDecodeError:
            yield content.decode("gb18030", errors="replace")


def _silent(stage: str) -> None:
    """Say nothing of `stage`: nobody is watching."""
