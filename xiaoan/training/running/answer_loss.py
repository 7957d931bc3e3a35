"""The loss over the answers' tokens, computed without the logits of any other token."""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.training.running.batches import IGNORED, Batch, WeightedBatch


def answer_loss(model: ChatGLMForConditionalGeneration, batch: Batch) -> Tensor:
    """Return the same mean loss as `forward(labels=…)`, with the head applied to the answers' tokens only."""
    targets = batch.labels[:, 1:]
    rows, columns = (targets != IGNORED).nonzero(as_tuple=True)
    logits = model.answer_logits(batch.input_ids, rows * batch.input_ids.shape[1] + columns)
    return F.cross_entropy(logits.float(), targets[rows, columns])


class AnswerLoss(nn.Module):
    """The model with its loss as one module, so that gradients can be exchanged when its backward is done."""

    def __init__(self, model: ChatGLMForConditionalGeneration) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: WeightedBatch) -> Tensor:
        """Return the weighted sum of the answers' token losses, in float32 whatever the model's precision."""
        logits = self.model.answer_logits(
            batch.input_ids,
            batch.places,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            row_seeds=batch.seeds,
        )
        losses = F.cross_entropy(logits.float(), batch.targets, reduction="none")
        return (losses * batch.weights).sum()
