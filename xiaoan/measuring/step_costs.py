"""What a step cannot do without: bytes to be read and operations to be done, from the shape alone."""

from xiaoan.chatglm.configuration_chatglm import ChatGLMConfig

BITS = {"float32": 32, "bfloat16": 16, "float16": 16, "int8": 8, "int4": 4}
"""Bits of a weight of a block by precision."""

_SCALE_BYTES = 2


def block_weights(config: ChatGLMConfig) -> int:
    """Return how many weights the four linear layers of all blocks have, biases not counted."""
    h, inner = config.hidden_size, config.inner_hidden_size
    return config.num_layers * (4 * h * h + 2 * h * inner)


def read_bytes(
    config: ChatGLMConfig,
    precision: str,
    *,
    floating_bytes: int,
    keys: int,
    batch: int = 1,
    head_bits: int = 0,
) -> int:
    """Return the bytes that one decode step reads: every weight once, and the keys and values of every row.

    Args:
        config: the shape.
        precision: of the blocks' weights, a key of `BITS`.
        floating_bytes: of one number in floating point: 4 or 2.
        keys: rows of the cache that a token looks at, the prefix's among them.
        batch: answers that go on together; the weights are read once for all of them.
        head_bits: of a weight of the head where that is quantised; 0: in floating point.
    """
    bits = BITS[precision]
    weights = block_weights(config) * bits // 8
    outputs = config.num_layers * (5 * config.hidden_size + config.inner_hidden_size)
    biases_and_scales = outputs * (floating_bytes + (_SCALE_BYTES if bits < 16 else 0))
    head = config.vocab_size * config.hidden_size
    head_bytes = (
        head * head_bits // 8 + _SCALE_BYTES * config.vocab_size if head_bits else head * floating_bytes
    )
    cache = 2 * config.num_layers * config.hidden_size * floating_bytes * keys * batch
    return weights + biases_and_scales + head_bytes + cache


def weight_bytes(config: ChatGLMConfig, precision: str, *, floating_bytes: int, head_bits: int = 0) -> int:
    """Return the bytes of all weights of a model without a prefix; arguments as `read_bytes`.

    The head counts once where it is tied; quantised it stands beside the embedding.
    """
    norms = 2 * (2 * config.num_layers + 1) * config.hidden_size * floating_bytes
    embedding = config.vocab_size * config.hidden_size * floating_bytes if head_bits else 0
    read = read_bytes(config, precision, floating_bytes=floating_bytes, keys=0, head_bits=head_bits)
    return read + norms + embedding


def prefill_operations(config: ChatGLMConfig, *, length: int, keys: int, batch: int = 1) -> int:
    """Return the operations of reading `batch` prompts of `length` tokens that look at `keys` rows; one head row each."""
    products = 2 * block_weights(config) * length
    attention = 4 * config.num_layers * config.hidden_size * length * keys
    head = 2 * config.vocab_size * config.hidden_size
    return batch * (products + attention + head)


def decode_operations(config: ChatGLMConfig, *, keys: int, batch: int = 1) -> int:
    """Return the operations of one decode step of `batch` rows."""
    return prefill_operations(config, length=1, keys=keys, batch=batch)
