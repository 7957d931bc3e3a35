"""What can be compared: one name for each way in which a model's weights are kept, and the model of that name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from xiaoan.chatglm.checkpoint import fill
from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.chatglm.device import DTYPES, Machine, choose_dtype, dtype_name
from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration
from xiaoan.chatglm.quantization import QUANTIZED_BITS, WITH_HEAD, quantize_
from xiaoan.measuring.step_costs import weight_bytes

EXACT = "float32"
"""The precision that others are held against."""

PRECISIONS = (EXACT, "bfloat16", "float16", "int8", "int8+head", "int4", "int4+head")


@dataclass(frozen=True)
class Variant:
    """How weights are kept.

    Attributes:
        precision: of the blocks' weights: "float32", "bfloat16", "float16", "int8" or "int4".
        dtype: of everything that is not quantised.
        head_bits: 8 or 4 where the head is quantised too, else 0.
    """

    precision: str
    dtype: torch.dtype
    head_bits: int = 0

    @property
    def name(self) -> str:
        """The precision as a word, with `+head` where the head is quantised too."""
        return self.precision + WITH_HEAD if self.head_bits else self.precision

    @property
    def bits(self) -> int:
        """8 or 4 where the blocks are quantised, else 0."""
        return QUANTIZED_BITS.get(self.precision, 0)


def floating_dtype(config: ChatGLMConfig, device: torch.device, clock: Callable[[], float]) -> torch.dtype:
    """Return what the program calculates in beside quantised weights, were there memory for anything."""
    return choose_dtype(
        "int8",
        device,
        Machine(available_memory=lambda _: None, clock=clock),
        hidden_size=config.hidden_size,
        needed_bytes=lambda dtype: weight_bytes(config, "int8", floating_bytes=dtype.itemsize),
    )


def variant_named(name: str, floating: torch.dtype) -> Variant:
    """Return the variant of a name such as "float16" or "int4"; `floating`: of what is not quantised.

    Raises:
        ValueError: there is none of that name.
    """
    if name in DTYPES:
        return Variant(name, DTYPES[name])
    if name in QUANTIZED_BITS:
        head_bits = QUANTIZED_BITS[name] if name.endswith(WITH_HEAD) else 0
        return Variant(name.removesuffix(WITH_HEAD), floating, head_bits)
    raise ValueError(f"{name}: one of {', '.join(PRECISIONS)}")


def variant_model(
    config: ChatGLMConfig, variant: Variant, weights: Mapping[str, Tensor], device: torch.device
) -> ChatGLMForConditionalGeneration:
    """Return a model of these weights, in evaluation mode and as a loaded one before `prepare_for_answering_`.

    Args:
        config: the shape, not quantised; it is not changed.
        variant: how the weights are to be kept.
        weights: in floating point, under their published names.
        device: where the model goes.

    Raises:
        DeviceError: memory ran out.
    """
    own = ChatGLMConfig.from_dict(config.to_dict())
    own._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = ChatGLMForConditionalGeneration(own)
    if variant.bits:
        quantize_(model, variant.bits, head=bool(variant.head_bits))
    fill(model, weights, device, variant.dtype)
    return model


def variant_text(variant: Variant) -> str:
    """Return the name with the precision of the rest where that differs: `int4 (bfloat16)`."""
    rest = dtype_name(variant.dtype)
    return variant.name if rest == variant.precision else f"{variant.name} ({rest})"
