"""What a finished run leaves beside its result, what is said of it, and how an unfinished one is gone on with."""

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.cli.services import Services, write_json
from xiaoan.config import Settings
from xiaoan.errors import UsageError
from xiaoan.figures import percent_text

if TYPE_CHECKING:
    from xiaoan.training.run_card import RunCard

REPORT_NAME = "report.html"
_SCORE_NAMES = {"rouge_1": "ROUGE-1", "rouge_2": "ROUGE-2", "rouge_l": "ROUGE-L", "bleu_4": "BLEU-4"}


def resume_command(arguments: Sequence[str], processes: int = 1) -> str:
    """Return the command line that goes on with the run that `arguments` began."""
    words = [*arguments, *([] if "--resume" in arguments else ["--resume"])]
    launcher = ["torchrun", "--nproc_per_node", str(processes), "-m"] if processes > 1 else []
    words = [*launcher, "xiaoan", *words]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def write_report(output: Path, document: dict[str, Any], *, notices: Sequence[str] = ()) -> None:
    """Write `report.html` from the card and the curves in `output`.

    Raises:
        StorageError: it cannot be written.
    """
    from xiaoan.reports.training_page import training_page
    from xiaoan.training.running.run_folder import METRICS_FILE
    from xiaoan.whole_files import write_whole

    path = output / METRICS_FILE
    metrics = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    page = training_page(document, metrics, notices=notices)
    write_whole(output / REPORT_NAME, page.encode())


def say_result(
    card: "RunCard",
    document: dict[str, Any],
    output: Path,
    settings: Settings,
    services: Services,
    *,
    as_json: bool,
) -> None:
    """Show what came of a run, or print its card as the one JSON document on standard output."""
    if as_json:
        write_json(services.stdout, document, indent=2)
        return
    from xiaoan.terminal.training_report import training_lines
    from xiaoan.terminal.verdict import Line

    screen = services.screen(services.stdout, plain=settings.plain)
    lines = list(
        training_lines(
            card,
            output,
            model=settings.model,
            bank=settings.bank,
            plain=settings.plain,
            width=screen.width,
        )
    )
    if scores := document.get("text_scores"):
        lines.append(Line(_scores_text(scores)))
    screen.lines(lines)


def text_scores(
    predictions: Sequence[str], labels: Sequence[str], tell: Callable[[str], None]
) -> dict[str, Any]:
    """Return exact share and, where the extra is installed, ROUGE and BLEU; a missing extra is told."""
    from xiaoan.training.scoring.text_scores import score_texts

    pairs = zip(predictions, labels, strict=True)
    exact = sum(prediction.strip() == label.strip() for prediction, label in pairs)
    scores: dict[str, Any] = {"exact": exact, "asked": len(labels)}
    try:
        return {**scores, **vars(score_texts(predictions, labels))}
    except UsageError as error:
        tell(f"没有算 ROUGE 和 BLEU：{error.message}")
        return scores


def _scores_text(scores: dict[str, Any]) -> str:
    exact = scores["exact"] / scores["asked"]
    parts = [f"验证文件 {scores['asked']} 条：逐字相同 {percent_text(exact)}"]
    parts += [f"{label} {scores[name]:.2f}" for name, label in _SCORE_NAMES.items() if name in scores]
    return "，".join(parts)
