"""A loaded model made ready to answer where it is: packed weights, a screened head."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from xiaoan.chatglm.generation import working_dtype
from xiaoan.chatglm.products.cuda_products import pack_cuda_, ways_for
from xiaoan.chatglm.products.packed_linear import bytes_read, pack_
from xiaoan.chatglm.products.screened_head import ScreenedHead, screening_pays

if TYPE_CHECKING:
    from xiaoan.chatglm.modeling_chatglm import ChatGLMForConditionalGeneration


def prepare_for_answering_(model: "ChatGLMForConditionalGeneration") -> tuple[str, ...]:
    """Give a model the products that answer fastest on its device; return what a person should read about it.

    Afterwards it can be neither trained nor saved if it is quantised. Once is enough; twice does no harm.
    """
    if model.device.type == "cuda":
        # torch 2.13 prefers cuDNN's attention on an H100 or H200, which plans anew for every length of a prompt.
        torch.backends.cuda.enable_cudnn_sdp(False)
        ways = ways_for(model.device, working_dtype(model))
        return pack_cuda_(model, ways)
    told = pack_(model)
    head = model.lm_head
    if isinstance(head, nn.Linear) and screening_pays(head.weight, bytes_read(model)):
        model.greedy_head = ScreenedHead(head.weight.detach())
    return told
