"""What a model still makes of general pairs that it is not tuned on: exact answers and the loss on the right ones."""

from collections.abc import Sequence

from torch.nn import functional as F  # noqa: N812
from transformers import PreTrainedTokenizerBase

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.figures import Share
from xiaoan.training.data.pairs import Pair
from xiaoan.training.run_card import GeneralScore
from xiaoan.training.running.exactness import answered

_BATCH_SIZE = 32


def score_general(
    model: ChatGLMForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    *,
    max_source_length: int = 512,
    max_target_length: int = 256,
) -> GeneralScore | None:
    """Return how many of `pairs` greedy decoding answers token for token, and the mean loss of an answer's token.

    None without pairs. The model is left in the mode (training or not) it was in.
    """
    if not pairs:
        return None
    exact, loss, tokens = 0, 0.0, 0
    lengths = {"max_source_length": max_source_length, "max_target_length": max_target_length}
    for batch in answered(model, tokenizer, pairs, batch_size=_BATCH_SIZE, **lengths):
        exact += batch.exact
        loss += float(F.cross_entropy(batch.logits.float().cpu(), batch.right, reduction="sum"))
        tokens += len(batch.right)
    return GeneralScore(Share(exact, len(pairs)), loss / tokens)
