"""A shape that is measured in milliseconds, and a clock that ticks."""

from collections.abc import Callable
from itertools import count

import torch

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig
from xiaoan.measuring.shapes import made_shape

CPU = torch.device("cpu")


def small_shape() -> ChatGLMConfig:
    """2 layers, hidden 32, 4 heads, vocabulary 96; wide enough weights that answers vary."""
    config = made_shape(
        vocab_size=96, hidden_size=32, num_layers=2, num_attention_heads=4, inner_hidden_size=64
    )
    config.initializer_range = 0.2
    return config


def ticking(step_s: float = 1.0) -> Callable[[], float]:
    """A clock that is `step_s` seconds later each time somebody looks at it."""
    ticks = count()
    return lambda: next(ticks) * step_s
