"""Exact shares told by one forward pass are those that generating gives."""

import pytest
import torch

from tests.training.runs import PAIRS, model_with_prefix, tokenizer_in
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.tokenization_chatglm import ChatGLMTokenizer
from xiaoan.training.data.pairs import Pair, prompt_of
from xiaoan.training.running.exactness import exact_share


@pytest.fixture(scope="module")
def parts(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[ChatGLMForConditionalGeneration, ChatGLMTokenizer]:
    tokenizer = tokenizer_in(tmp_path_factory.mktemp("tokenizer"))
    return model_with_prefix(tokenizer)[0].train(False), tokenizer


def generated(model: ChatGLMForConditionalGeneration, tokenizer: ChatGLMTokenizer, pair: Pair) -> list[int]:
    """The next tokens after the prompt, one after the other."""
    prompt = tokenizer.build_inputs_with_special_tokens(
        tokenizer.encode(prompt_of(pair), add_special_tokens=False)
    )
    ids = torch.tensor([prompt])
    for _ in range(6):
        said = model(ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat((ids, said), dim=1)
    return [int(i) for i in ids[0, len(prompt) :]]


def test_a_pair_counts_if_and_only_if_it_would_be_generated(
    parts: tuple[ChatGLMForConditionalGeneration, ChatGLMTokenizer],
) -> None:
    """Answers that the model really gives, some with their last token another, in place of encoded summaries."""
    model, tokenizer = parts
    said = [generated(model, tokenizer, pair) for pair in PAIRS]
    texts = {pair.summary: ids for pair, ids in zip(PAIRS, said, strict=True)}
    spoilt = [tokenizer.encode(pair.content, add_special_tokens=False) for pair in PAIRS[:3]]

    class Says:
        pad_token_id = tokenizer.pad_token_id
        bos_token_id = tokenizer.bos_token_id

        def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
            return texts.get(text) or tokenizer.encode(text, add_special_tokens=add_special_tokens)

        def build_inputs_with_special_tokens(self, a: list[int], b: list[int]) -> list[int]:
            whole = tokenizer.build_inputs_with_special_tokens(a, b)[:-1]
            last = whole[-1]
            return [*whole[:-1], last + 1 if a in spoilt else last]

    assert exact_share(model, Says(), PAIRS, batch_size=2) == pytest.approx(4 / 7)  # type: ignore[arg-type]


def test_no_pairs_are_a_share_of_nothing(
    parts: tuple[ChatGLMForConditionalGeneration, ChatGLMTokenizer],
) -> None:
    assert exact_share(*parts, []) == 0.0


def test_the_model_is_left_in_its_mode(
    parts: tuple[ChatGLMForConditionalGeneration, ChatGLMTokenizer],
) -> None:
    model, tokenizer = parts
    model.train()
    exact_share(model, tokenizer, PAIRS)
    assert model.training
    model.train(False)
    exact_share(model, tokenizer, PAIRS)
    assert not model.training
