"""Configuration of ChatGLM-6B v1 (`model_type` "chatglm"), with the published names."""

from transformers import AutoConfig, PreTrainedConfig


class ChatGLMConfig(PreTrainedConfig):
    """The shape of a ChatGLM v1 model.

    Defaults are those of the published 6B checkpoint (v1.1.0), not of the original configuration class, whose
    defaults belong to an older vocabulary. `pre_seq_len` is the number of prefix positions of P-Tuning v2, or
    None for a model without a prefix encoder. `quantization_head`, ours, says that the head is quantised too, with as
    many bits as the blocks; it is then no longer tied to the embedding.
    """

    model_type = "chatglm"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012 - the library's own declaration
    attribute_map = {"num_hidden_layers": "num_layers"}  # noqa: RUF012 - likewise; caches ask for that name

    vocab_size: int = 130528
    hidden_size: int = 4096
    num_layers: int = 28
    num_attention_heads: int = 32
    inner_hidden_size: int = 16384
    layernorm_epsilon: float = 1e-5
    max_sequence_length: int = 2048
    position_encoding_2d: bool = True
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = True
    bos_token_id: int | None = 130004
    eos_token_id: int | list[int] | None = 130005
    pad_token_id: int | None = 3
    mask_token_id: int = 130000
    gmask_token_id: int = 130001
    pre_seq_len: int | None = None
    prefix_projection: bool = False
    quantization_bit: int = 0
    quantization_head: bool = False

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads


AutoConfig.register("chatglm", ChatGLMConfig, exist_ok=True)
