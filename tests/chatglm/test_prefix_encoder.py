"""The prefix encoder alone: names, shapes, order, precision."""

import pytest
import torch

from tests.tiny_models import prompt, tiny_config, tiny_model
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.prefix_encoder import PrefixEncoder


def test_parameters_have_the_published_names_and_shapes() -> None:
    plain = PrefixEncoder(tiny_config(pre_seq_len=5))
    assert {name: tuple(p.shape) for name, p in plain.named_parameters()} == {"embedding.weight": (5, 128)}
    projected = PrefixEncoder(tiny_config(pre_seq_len=5, prefix_projection=True))
    assert {name: tuple(p.shape) for name, p in projected.named_parameters()} == {
        "embedding.weight": (5, 32),
        "trans.0.weight": (32, 32),
        "trans.0.bias": (32,),
        "trans.2.weight": (128, 32),
        "trans.2.bias": (128,),
    }


def test_a_row_is_key_and_value_of_each_layer_in_turn_by_head() -> None:
    encoder = PrefixEncoder(tiny_config(pre_seq_len=5)).eval()
    pairs = encoder(torch.float32)
    assert len(pairs) == 2
    for layer, (key, value) in enumerate(pairs):
        assert key.shape == value.shape == (1, 4, 5, 8)
        for head in range(4):
            begin = layer * 64 + head * 8
            assert torch.equal(key[0, head], encoder.embedding.weight[:, begin : begin + 8])
            assert torch.equal(value[0, head], encoder.embedding.weight[:, begin + 32 : begin + 40])


def test_the_projection_is_a_tanh_network() -> None:
    encoder = PrefixEncoder(tiny_config(pre_seq_len=5, prefix_projection=True)).eval()
    assert encoder.trans is not None
    weights = encoder.trans.state_dict()
    inner = torch.tanh(encoder.embedding.weight @ weights["0.weight"].T + weights["0.bias"])
    rows = inner @ weights["2.weight"].T + weights["2.bias"]
    key = encoder(torch.float32)[0][0]
    torch.testing.assert_close(key[0].transpose(0, 1).reshape(5, 32), rows[:, :32])


def test_parameters_stay_float32_under_a_half_precision_base() -> None:
    model = tiny_model(tiny_config(pre_seq_len=5), dtype=torch.bfloat16)
    encoder = model.transformer.prefix_encoder
    assert encoder is not None
    encoder.float()
    assert encoder(torch.bfloat16)[0][0].dtype == torch.bfloat16
    assert encoder.embedding.weight.dtype == torch.float32
    assert model(prompt(9)).logits.dtype == torch.bfloat16


def test_training_drops_a_tenth_and_evaluation_nothing() -> None:
    encoder = PrefixEncoder(
        ChatGLMConfig(hidden_size=64, num_layers=4, num_attention_heads=4, pre_seq_len=64)
    )
    torch.nn.init.ones_(encoder.embedding.weight)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        dropped = torch.stack([key for key, _ in encoder.train()(torch.float32)])
    assert float((dropped == 0).float().mean()) == pytest.approx(0.1, abs=0.02)
    kept = torch.stack([key for key, _ in encoder.eval()(torch.float32)])
    assert (kept == 1).all()


def test_a_prefix_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="pre_seq_len"):
        PrefixEncoder(tiny_config())


def test_each_row_loses_values_of_its_own_that_follow_from_its_seed_alone() -> None:
    encoder = PrefixEncoder(tiny_config(pre_seq_len=64)).train()
    torch.nn.init.ones_(encoder.embedding.weight)
    together = encoder(torch.float32, [7, 8, 9])
    alone = encoder(torch.float32, [8])
    for (keys, values), (key, value) in zip(together, alone, strict=True):
        assert keys.shape == values.shape == (3, 4, 64, 8)
        assert torch.equal(keys[1:2], key)
        assert torch.equal(values[1:2], value)
        assert not torch.equal(keys[0], keys[1])
    dropped = torch.stack([key.detach() for key, _ in together])
    assert float((dropped == 0).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.01)


def test_rows_are_one_where_nothing_is_dropped() -> None:
    encoder = PrefixEncoder(tiny_config(pre_seq_len=5)).eval()
    for pair, again in zip(encoder(torch.float32), encoder(torch.float32, [1, 2]), strict=True):
        assert torch.equal(pair[0], again[0])
        assert torch.equal(pair[1], again[1])
