"""A prefix read once for all sequences gives what a copy in front of each of them gives."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.tiny_models import PAD, prompt, talkative_model, tiny_config
from xiaoan.chatglm.generation import decode_one_token, new_cache, prefill
from xiaoan.chatglm.shared_prefix import _fused_part, _written_out_part, shared_prefix_attention

HALVES = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", HALVES)
def test_both_parts_together_are_attention_over_all_rows(dtype: torch.dtype, masked: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    query, own, prefix = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((3, 4, 1, 8), (3, 4, 2, 11, 8), (4, 2, 6, 8))
    )
    mask = torch.zeros(3, 1, 1, 11, dtype=torch.float64)
    mask[1, ..., :5] = -10000.0
    joined = torch.cat((prefix.expand(3, -1, -1, -1, -1), own), dim=3)
    expected = F.scaled_dot_product_attention(
        query, joined[:, :, 0], joined[:, :, 1], attn_mask=F.pad(mask, (6, 0)) if masked else None
    )
    key, value = own.to(dtype).unbind(2)
    found = shared_prefix_attention(
        query.to(dtype), prefix.to(dtype), key, value, mask.to(dtype) if masked else None, 3
    )
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=HALVES[dtype], rtol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_kernel_says_the_logarithm_that_the_scores_have(dtype: torch.dtype) -> None:
    """It is not a public function: this is what is asked of it."""
    query, key, value = (torch.randn(2, 3, rows, 8, dtype=dtype) for rows in (4, 9, 9))
    mask = torch.zeros(2, 1, 1, 9, dtype=dtype)
    mask[0, ..., :2] = -10000.0
    for given in (None, mask):
        fused, written = _fused_part(query, key, value, given), _written_out_part(query, key, value, given, 2)
        for one, other in zip(fused, written, strict=True):
            torch.testing.assert_close(one, other.to(one.dtype), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_sequences_decode_alike_with_the_prefix_beside_them_and_in_front_of_each(attention: str) -> None:
    """Padded, through growing, and after one of them has left."""
    model = talkative_model(tiny_config(pre_seq_len=5, attention=attention))
    prompts = [prompt(5), prompt(12), prompt(7)]
    ids = torch.cat([F.pad(row, (12 - row.shape[1], 0), value=PAD) for row in prompts])
    prefix = model.transformer.prefix_key_values(torch.float64)

    def greedy(share_prefix: bool) -> Tensor:
        cache = new_cache(model, prefix, batch_size=3, rows=18, share_prefix=share_prefix)
        assert (cache.shared is not None) == share_prefix
        assert cache.rows == 18
        mask = (ids != PAD).long()
        logits, state = prefill(model, ids, attention_mask=mask, cache=cache, cache_length=18)
        assert state.filled == 17
        steps = [logits[[2, 0]]]
        logits = decode_one_token(model, logits.argmax(-1, keepdim=True), state)
        state.keep_sequences(torch.tensor([2, 0]))
        for _ in range(6):
            steps.append(logits[[2, 0]] if len(logits) == 3 else logits)
            logits = decode_one_token(model, steps[-1].argmax(-1, keepdim=True), state)
        assert state.filled == cache.filled == 24
        return torch.stack(steps, dim=1)

    torch.testing.assert_close(greedy(True), greedy(False), atol=1e-6, rtol=0)
