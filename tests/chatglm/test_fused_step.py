"""The fused decode step: the same logits as the model's own forward, and as the operators one by one."""

import torch

from tests.recorded import Recorded
from tests.tiny_models import prompt, talkative_model, tiny_config
from xiaoan.chatglm.fused_step import fused_logits
from xiaoan.chatglm.generation import decode_one_token, prefill
from xiaoan.chatglm.products.step_kernels import EagerSteps, StepKernels


def fused_answer(
    model: torch.nn.Module, kernels: StepKernels, ids: torch.Tensor, tokens: int, **given: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Greedy ids `[b, tokens]` and the logits of each step `[b, tokens, vocab]`."""
    with torch.inference_mode():
        logits, state = prefill(model, ids, cache_length=0, **given)  # type: ignore[arg-type]
        state.cache.grow(state.filled + tokens)
        place = torch.tensor([state.filled])
        mask = state.mask(state.cache.rows)
        steps, chosen = [logits], [logits.argmax(-1, keepdim=True)]
        for _ in range(tokens - 1):
            state.position_ids[:, 1] += 1
            logits = fused_logits(
                model,  # type: ignore[arg-type]
                kernels,
                chosen[-1],
                state.position_ids,
                state.cache.pairs,
                place,
                mask,
            )
            place += 1
            steps.append(logits)
            chosen.append(logits.argmax(-1, keepdim=True))
    return torch.cat(chosen, dim=1), torch.stack(steps, dim=1)


def test_recorded_answers(recorded: Recorded) -> None:
    ids = recorded["p1_len12.input_ids"]
    expected = recorded["p1_len12.greedy_ids"][:, ids.shape[1] :]
    made, steps = fused_answer(recorded.model("sdpa"), EagerSteps(), ids, 40)
    assert torch.equal(made, expected)
    if "p1_len12.greedy_step_logits" in recorded.values:
        torch.testing.assert_close(steps, recorded["p1_len12.greedy_step_logits"], atol=1e-4, rtol=1e-4)


def test_padded_prompts_decode_as_without_fusing() -> None:
    model = talkative_model(tiny_config(pre_seq_len=3, attention="sdpa"))
    ids = torch.cat((torch.full((1, 3), 3), prompt(6)), dim=1)
    ids = torch.cat((ids, prompt(9)))
    attention_mask = torch.tensor([[0] * 3 + [1] * 6, [1] * 9])
    made, steps = fused_answer(model, EagerSteps(), ids, 12, attention_mask=attention_mask)
    logits, state = prefill(model, ids, attention_mask=attention_mask)
    for i in range(12):
        torch.testing.assert_close(steps[:, i], logits, atol=1e-5, rtol=1e-5)
        assert torch.equal(logits.argmax(-1), made[:, i])
        logits = decode_one_token(model, made[:, i : i + 1], state)
