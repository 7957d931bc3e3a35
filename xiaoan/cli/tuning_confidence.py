"""At the end of a run: how sure one may be of what was trained. The result is complete without it, so nothing here ends it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiaoan.cli.calibrate import calibration_bar, calibration_document, outside_set
from xiaoan.cli.services import Services
from xiaoan.cli.tuning_material import Material
from xiaoan.config import Settings
from xiaoan.errors import XiaoanError

if TYPE_CHECKING:
    from xiaoan.evaluation.calibrating import Calibrated
    from xiaoan.training.methods import Base

_TIMES_AS_MANY = 10
"""Of strange questions at most so many times as many are asked as were learnt: a small bank is learnt in a minute."""
_LATER = "结果照常能用，只是不显示把握；以后可以用 xiaoan calibrate 再量。"


def measured_confidence(
    base: "Base", material: Material, output: Path, settings: Settings, services: Services, *, seed: int
) -> dict[str, Any] | None:
    """Write how sure one may be beside the result in `output`; return that as JSON values and tell it in one line.

    `base` has the result in memory. None where there is no bank, or where it could not be done: then that is told.
    """
    if not material.questions:
        return None
    from xiaoan.evaluation.calibrating import save_calibrated
    from xiaoan.terminal.calibration_report import headline

    screen = services.screen(services.stderr, plain=settings.plain)
    screen.notice("量把握（不要紧的话可以按 Ctrl-C 跳过）……")
    try:
        calibrated = _calibrated(base, material, settings, services, seed)
        save_calibrated(calibrated, output)
    except KeyboardInterrupt:
        screen.warning(f"没有量把握：按了 Ctrl-C。{_LATER}")
        return None
    except XiaoanError as error:
        screen.warning(f"没有量把握：{error.message}{_LATER}")
        return None
    screen.notice(f"把握：{headline(calibrated)}。")
    return calibration_document(calibrated)


def _calibrated(
    base: "Base", material: Material, settings: Settings, services: Services, seed: int
) -> "Calibrated":
    from xiaoan.assistant.chatglm_engine import ChatGLMEngine
    from xiaoan.assistant.engine import ModelInfo
    from xiaoan.evaluation.calibrating import MOST_QUESTIONS, calibrate, without_held_out
    from xiaoan.question_bank.matching import Matcher
    from xiaoan.question_bank.question import QuestionBank

    split = material.data.facts.split
    trained, held_out = without_held_out(material.questions, split.held_out_items if split else ())
    outside = outside_set(Matcher(QuestionBank(material.questions)))
    model = base.model
    forms = frozenset(material.data.facts.forms)
    info = ModelInfo(base.name, None, str(model.device), base.dtype, demo=False, forms=forms)
    was_training = model.training
    model.train(False)
    try:
        with calibration_bar(services, settings) as bar:
            return calibrate(
                ChatGLMEngine(model, base.tokenizer, info),
                trained,
                [*held_out, outside],
                seed=seed,
                limit=min(MOST_QUESTIONS, _TIMES_AS_MANY * len(trained)),
                on_progress=bar.show,
            )
    finally:
        model.train(was_training)
