import pytest

from xiaoan.measuring.shapes import cpu_shape, made_shape, random_prompts, shape_text, six_billion_shape
from xiaoan.measuring.step_costs import block_weights


def test_special_tokens_are_the_last_ids_of_a_made_vocabulary() -> None:
    config = cpu_shape(8192)
    special = (config.mask_token_id, config.gmask_token_id, config.bos_token_id, config.eos_token_id)
    assert special == (8188, 8189, 8190, 8191)
    assert shape_text(config) == "hidden 1024, 8 layers, 16 heads, vocabulary 8192"


def test_the_large_shape_has_as_many_weights_as_the_published_model() -> None:
    config = six_billion_shape()
    assert block_weights(config) + config.vocab_size * config.hidden_size == pytest.approx(6.17e9, rel=0.01)


def test_prompts_end_with_the_two_marks_and_have_no_other() -> None:
    config = made_shape(vocab_size=9, hidden_size=8, num_layers=1, num_attention_heads=2, inner_hidden_size=8)
    ids = random_prompts(config, length=200, batch=3)
    assert ids.shape == (3, 200)
    assert ids[:, -2:].tolist() == [[6, 7]] * 3
    assert not set(ids[:, :-2].flatten().tolist()) & {5, 6, 7}
    assert ids[0].tolist() != ids[1].tolist()


def test_a_prompt_without_room_for_the_marks_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        random_prompts(cpu_shape(100), length=1)
