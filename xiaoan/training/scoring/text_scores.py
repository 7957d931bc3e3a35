"""How close generated texts are to their labels: ROUGE on jieba words and BLEU-4 on characters, as ChatGLM-6B scores them.

The published script's `compute_metrics` (THUDM/ChatGLM-6B, ptuning/main.py) decides the numbers: each pair is rounded
to four places of a percentage, a corpus has the mean of its pairs. There an empty prediction ends the run with an error;
here it counts 0.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from types import ModuleType
from typing import Any

from xiaoan.errors import UsageError
from xiaoan.extras import imported_extra

_PLACES = 4
_ENDS_A_SENTENCE = re.compile("[。！？?]")


@dataclass(frozen=True)
class TextScores:
    """Percentages, 0 to 100: F-measures of ROUGE-1, ROUGE-2 and ROUGE-L, and BLEU-4."""

    rouge_1: float
    rouge_2: float
    rouge_l: float
    bleu_4: float


NOTHING = TextScores(0.0, 0.0, 0.0, 0.0)
"""What an empty text is worth."""


def score_texts(predictions: Sequence[str], labels: Sequence[str]) -> TextScores:
    """Return the scores of a corpus: the mean over its pairs.

    Raises:
        UsageError: there is no pair, the two are not equally many, or the extra `scores` is not installed.
    """
    if not labels or len(predictions) != len(labels):
        raise UsageError(
            f"没法打分：预测有 {len(predictions)} 条，标准答案有 {len(labels)} 条；应当一样多，至少 1 条"
        )
    scored = [score_pair(*pair) for pair in zip(predictions, labels, strict=True)]
    return TextScores(
        *(_mean([getattr(pair, field.name) for pair in scored]) for field in fields(TextScores))
    )


def score_pair(prediction: str, label: str) -> TextScores:
    """Return the scores of one prediction; 0 where either text is empty or blank.

    Raises:
        UsageError: the extra `scores` is not installed.
    """
    if not prediction.strip() or not label.strip():
        return NOTHING
    bleu = _imported("nltk.translate.bleu_score")
    overlap = bleu.sentence_bleu(
        [list(label)], list(prediction), smoothing_function=bleu.SmoothingFunction().method3
    )
    return TextScores(*_rouge(prediction, label), round(100 * float(overlap), _PLACES))


def check_scores_installed() -> None:
    """Raise UsageError if the extra `scores` is not installed: to be asked before a long run, not after it."""
    for module in ("jieba", "rouge_chinese", "nltk.translate.bleu_score"):
        _imported(module)


def _rouge(prediction: str, label: str) -> tuple[float, float, float]:
    scores = _imported("rouge_chinese").Rouge().get_scores(_words(prediction), _words(label))[0]
    first, second, longest = (
        round(100 * float(scores[name]["f"]), _PLACES) for name in ("rouge-1", "rouge-2", "rouge-l")
    )
    return first, second, longest


def _words(text: str) -> str:
    """The text's words with blanks between, as rouge-chinese takes them."""
    return " ".join(_segmenter().cut(text))


@cache
def _segmenter() -> Any:
    """A jieba tokenizer of our own with its dictionary read (0.8 s).

    jieba keeps what it has read in a file in the shared temporary folder, and believes whatever lies there under that
    name; where the folder takes no files it prints a traceback. Read here, the dictionary needs no such file.
    """
    jieba = _imported("jieba")
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter


def _imported(module: str) -> ModuleType:
    return imported_extra(module, extra="scores", purpose="算 ROUGE 和 BLEU")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
