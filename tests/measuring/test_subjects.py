import torch

from tests.measuring.small import CPU, small_shape
from tests.tiny_models import tiny_config, tiny_model
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.products.packed_linear import PackedLinear, is_packed
from xiaoan.measuring.answer_loops import StreamLoop
from xiaoan.measuring.shapes import cpu_shape, random_prompts
from xiaoan.measuring.subjects import RandomSubject, StoredSubject
from xiaoan.measuring.turns import take_turn
from xiaoan.measuring.variants import floating_dtype, variant_named, variant_text


def test_a_random_model_is_the_same_in_every_precision() -> None:
    subject = RandomSubject(small_shape(), CPU)
    exact, half = (
        subject.ready(variant_named(name, torch.float32)).model.state_dict()
        for name in ("float32", "float16")
    )
    assert all(exact[name].half().equal(half[name]) for name in exact)


def test_weights_that_are_not_kept_are_made_anew_and_are_the_same() -> None:
    kept, made = (
        RandomSubject(small_shape(), CPU, keep=keep).ready(variant_named("float32", torch.float32))
        for keep in (True, False)
    )
    other = made.model.state_dict()
    assert all(tensor.equal(other[name]) for name, tensor in kept.model.state_dict().items())


def test_quantised_models_are_packed_as_loaded_ones_are() -> None:
    ready = RandomSubject(small_shape(), CPU).ready(variant_named("int8", torch.float32))
    assert is_packed(ready.model)
    assert ready.dtype == torch.float32


def test_a_stored_model_answers_with_its_prefix_and_so_does_the_reference() -> None:
    asked: list[str] = []
    config = tiny_config(pre_seq_len=3, attention="sdpa")

    def load(precision: str) -> ChatGLMForConditionalGeneration:
        asked.append(precision)
        return tiny_model(config, dtype=torch.float32)

    subject = StoredSubject(load, config, [[4, 5, 91, 94]])
    assert subject.questions()[0].tolist() == [[4, 5, 91, 94]]
    reference = subject.reference()
    ready = subject.ready(variant_named("float32", torch.float32))
    assert asked == ["float32", "float32"]
    assert ready.decoder.prefix_key_values is not None
    prompt = random_prompts(config, length=9)
    expected = take_turn(reference, prompt, new_tokens=8, clock=lambda: 0.0)
    assert (
        take_turn(StreamLoop(ready), prompt, new_tokens=8, clock=lambda: 0.0).token_ids == expected.token_ids
    )


def test_a_quantised_head_stands_beside_the_embedding() -> None:
    variant = variant_named("int4+head", torch.float32)
    assert (variant.name, variant.precision, variant.head_bits) == ("int4+head", "int4", 4)
    model = RandomSubject(small_shape(), CPU).ready(variant).model
    assert isinstance(model.lm_head, PackedLinear)
    assert not model.config.tie_word_embeddings


def test_what_is_not_quantised_is_half_precision_on_a_gpu_and_the_fastest_on_a_cpu() -> None:
    assert floating_dtype(small_shape(), torch.device("cuda"), lambda: 0.0) == torch.float16
    assert floating_dtype(small_shape(), CPU, lambda: 0.0) == torch.float32
    assert floating_dtype(cpu_shape(), CPU, lambda: 0.0) == torch.float32  # none is clearly faster
    assert variant_text(variant_named("int4", torch.bfloat16)) == "int4 (bfloat16)"
    assert variant_text(variant_named("float16", torch.bfloat16)) == "float16"
