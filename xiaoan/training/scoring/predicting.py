"""What a trained model answers to the pairs it is measured on, in batches, and the file of it that the published script writes."""

import json
from collections.abc import Sequence
from pathlib import Path

from xiaoan.chatglm.batched_generation import BATCH_SIZE, greedy_texts
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.errors import UsageError
from xiaoan.training.data.pairs import Pair, prompt_of
from xiaoan.whole_files import write_whole

PREDICTIONS_FILE = "generated_predictions.txt"
"""The published script's name for the file."""


def predict(
    model: ChatGLMForConditionalGeneration,
    tokenizer: ChatGLMTokenizer,
    pairs: Sequence[Pair],
    *,
    max_source_length: int = 512,
    max_new_tokens: int = 64,
    batch_size: int = BATCH_SIZE,
) -> list[str]:
    """Return the greedy answer to each pair's content, in their order, with the model's prefix or adapter.

    Args:
        model: put into evaluation mode for this and back.
        tokenizer: the model's.
        pairs: their summaries are not looked at.
        max_source_length: the prompt is cut to it as training cuts it: `max_source_length - 1` tokens of text.
        max_new_tokens: longer answers are cut there.
        batch_size: prompts of one forward.
    """
    prompts = [_prompt(tokenizer, pair, max_source_length) for pair in pairs]
    return greedy_texts(model, tokenizer, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size)


def write_predictions(path: Path, labels: Sequence[str], predictions: Sequence[str]) -> None:
    """Write one JSON object `{"labels": …, "predict": …}` a line, blanks around both texts taken off.

    Raises:
        UsageError: they are not equally many.
        StorageError: the file cannot be written.
    """
    if len(labels) != len(predictions):
        raise UsageError(f"预测有 {len(predictions)} 条，标准答案有 {len(labels)} 条；应当一样多")
    lines = [
        json.dumps({"labels": label.strip(), "predict": prediction.strip()}, ensure_ascii=False) + "\n"
        for label, prediction in zip(labels, predictions, strict=True)
    ]
    write_whole(path, "".join(lines).encode(errors="backslashreplace"))


def _prompt(tokenizer: ChatGLMTokenizer, pair: Pair, max_source_length: int) -> list[int]:
    """Ids up to `<sop>`, laid out as training lays them out."""
    ids = tokenizer.encode(prompt_of(pair), add_special_tokens=False)[: max_source_length - 1]
    prompt: list[int] = tokenizer.build_inputs_with_special_tokens(ids)
    return prompt
