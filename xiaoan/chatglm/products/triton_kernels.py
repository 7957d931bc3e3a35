"""The kernels themselves, in Triton; imported only where Triton is there (`triton_products.py` asks first).

Every kernel adds up in float32. A GPU converts whole numbers four times slower than it adds, so none is converted where
speed counts. For one vector, the bits of a number are taken for a float32 as they stand: that is the number times a
(very small) power of two, exactly, and the input is multiplied by the inverse power beforehand. For several vectors,
they are put into the mantissa of the float16 1024, which is then taken off. Numbers are stored half a range too large
(`packed_words.py`), which is taken off too.

Arguments are annotated with Triton's own types: its compiler looks annotations up too, and knows no others.
Not yet measured on a GPU: block sizes are reckoned, not tuned.
"""

import triton
import triton.language as tl

INPUT_FACTOR = tl.constexpr(2.0**64)
"""Inputs are multiplied by this, less the place of the number's bits. Leaves room for inputs up to 1e19."""

OUTPUT_FACTOR = tl.constexpr(2.0**85)
"""Takes `INPUT_FACTOR` off again, and the 2^-149 that the lowest bit of a float32 stands for."""


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def field_as_float(words: tl.tensor, field: tl.constexpr, bits: tl.constexpr, cut: tl.constexpr) -> tl.tensor:
    """Return a field of words as float32: the stored number times 2^(place - 149), place = bits * field mod cut.

    `cut` keeps the bits below the float's exponent, which begins at bit 23: 16 for 8 bits, 20 for 4.
    """
    below = words >> cut if bits * field >= cut else words
    return (below & ((2**bits - 1) << (bits * field % cut))).to(tl.float32, bitcast=True)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def pair_of_fields(words: tl.tensor, field: tl.constexpr, bits: tl.constexpr) -> tl.tuple:
    """Return the numbers of a field of the low half of words, and of the one 16 bits higher, as exact float16."""
    mask: tl.constexpr = 0x00FF00FF if bits == 8 else 0x000F000F
    known: tl.constexpr = 1024.0 + 2 ** (bits - 1)
    both = ((words >> (bits * field)) & mask) | 0x64006400
    low = both.to(tl.int16).to(tl.float16, bitcast=True)
    high = (both >> 16).to(tl.int16).to(tl.float16, bitcast=True)
    return low - known, high - known


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def tanh_gelu(y: tl.tensor) -> tl.tensor:
    """GELU in its tanh form: y (1 + tanh u) / 2 = y sigmoid(2 u)."""
    return y * tl.sigmoid(1.5957691216057308 * y * (1.0 + 0.044715 * y * y))


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def one_row_kernel(
    x: tl.tensor,
    words: tl.tensor,
    scale: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    width: tl.tensor,
    bits: tl.constexpr,
    has_bias: tl.constexpr,
    gelu: tl.constexpr,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
) -> None:
    """out[n] = scale[n] * sum over k of weight[n, k] x[k] + bias[n] for one vector x.

    A program makes `block_rows` outputs. Each lane adds up the columns it meets, and the lanes are added at the end.
    """
    cut: tl.constexpr = 16 if bits == 8 else 20
    n = tl.program_id(0) * block_rows + tl.arange(0, block_rows)
    lane = tl.arange(0, block_width)
    row = words + n.to(tl.int64)[:, None] * width
    total = tl.zeros([block_rows, block_width], tl.float32)
    inputs = tl.zeros([block_width], tl.float32)
    for start in range(0, width, block_width):
        j = start + lane
        inside = j < width
        w = tl.load(row + j[None, :], mask=(n < rows)[:, None] & inside[None, :], other=0)
        for field in tl.static_range(32 // bits):
            v = tl.load(x + field * width + j, mask=inside, other=0).to(tl.float32)
            inputs += v
            v *= INPUT_FACTOR / (2 ** (bits * field % cut))
            total += field_as_float(w, field, bits, cut) * v[None, :]
    y = tl.sum(total * OUTPUT_FACTOR - 2 ** (bits - 1) * inputs[None, :], axis=1)
    y *= tl.load(scale + n, mask=n < rows, other=0).to(tl.float32)
    if has_bias:
        y += tl.load(bias + n, mask=n < rows, other=0).to(tl.float32)
    if gelu:
        y = tanh_gelu(y)
    tl.store(out + n, y.to(out.dtype.element_ty), mask=n < rows)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def few_rows_kernel(
    x: tl.tensor,
    words: tl.tensor,
    scale: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    batch: tl.tensor,
    rows: tl.tensor,
    width: tl.tensor,
    bits: tl.constexpr,
    has_bias: tl.constexpr,
    gelu: tl.constexpr,
    block_batch: tl.constexpr,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
) -> None:
    """The same for `batch` vectors x `[batch, in]`, on the matrix units: one small product for each field of a word."""
    half: tl.constexpr = 16 // bits  # fields in half a word
    n = tl.program_id(0) * block_rows + tl.arange(0, block_rows)
    b = tl.program_id(1) * block_batch + tl.arange(0, block_batch)
    lane = tl.arange(0, block_width)
    columns = width * (32 // bits)
    row = words + n.to(tl.int64)[:, None] * width
    vector = x + b.to(tl.int64)[None, :] * columns
    total = tl.zeros([block_rows, block_batch], tl.float32)
    for start in range(0, width, block_width):
        j = start + lane
        inside = j < width
        w = tl.load(row + j[None, :], mask=(n < rows)[:, None] & inside[None, :], other=0)
        met = inside[:, None] & (b < batch)[None, :]
        for field in tl.static_range(half):
            low, high = pair_of_fields(w, field, bits)
            x_low = tl.load(vector + field * width + j[:, None], mask=met, other=0)
            x_high = tl.load(vector + (field + half) * width + j[:, None], mask=met, other=0)
            total = tl.dot(low.to(x_low.dtype), x_low, total, input_precision="ieee")
            total = tl.dot(high.to(x_high.dtype), x_high, total, input_precision="ieee")
    y = total * tl.load(scale + n, mask=n < rows, other=0).to(tl.float32)[:, None]
    if has_bias:
        y += tl.load(bias + n, mask=n < rows, other=0).to(tl.float32)[:, None]
    if gelu:
        y = tanh_gelu(y)
    place = out + b.to(tl.int64)[None, :] * rows + n[:, None]
    tl.store(place, y.to(out.dtype.element_ty), mask=(n < rows)[:, None] & (b < batch)[None, :])


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def plain_row_kernel(
    x: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    has_bias: tl.constexpr,
    gelu: tl.constexpr,
    block_rows: tl.constexpr,
    block_columns: tl.constexpr,
) -> None:
    """out[n] = sum over k of weight[n, k] x[k] + bias[n] for one vector x and weights that are not quantised."""
    n = tl.program_id(0) * block_rows + tl.arange(0, block_rows)
    lane = tl.arange(0, block_columns)
    row = weight + n.to(tl.int64)[:, None] * columns
    total = tl.zeros([block_rows, block_columns], tl.float32)
    for start in range(0, columns, block_columns):
        k = start + lane
        inside = k < columns
        w = tl.load(row + k[None, :], mask=(n < rows)[:, None] & inside[None, :], other=0)
        total += w.to(tl.float32) * tl.load(x + k, mask=inside, other=0).to(tl.float32)[None, :]
    y = tl.sum(total, axis=1)
    if has_bias:
        y += tl.load(bias + n, mask=n < rows, other=0).to(tl.float32)
    if gelu:
        y = tanh_gelu(y)
    tl.store(out + n, y.to(out.dtype.element_ty), mask=n < rows)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def dequantise_kernel(
    words: tl.tensor,
    scale: tl.tensor,
    out: tl.tensor,
    rows: tl.tensor,
    width: tl.tensor,
    bits: tl.constexpr,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
) -> None:
    """out `[rows, in]` = number * scale, computed in float32 and rounded once."""
    n = tl.program_id(0) * block_rows + tl.arange(0, block_rows)
    j = tl.program_id(1) * block_width + tl.arange(0, block_width)
    inside = (n < rows)[:, None] & (j < width)[None, :]
    w = tl.load(words + n.to(tl.int64)[:, None] * width + j[None, :], mask=inside, other=0)
    factor = tl.load(scale + n, mask=n < rows, other=0).to(tl.float32)[:, None]
    place = out + n.to(tl.int64)[:, None] * (width * (32 // bits)) + j[None, :]
    for field in tl.static_range(32 // bits):
        number = ((w >> (bits * field)) & (2**bits - 1)) - 2 ** (bits - 1)
        made = number.to(tl.float32) * factor
        tl.store(place + field * width, made.to(out.dtype.element_ty), mask=inside)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def residual_norm_kernel(
    normalised: tl.tensor,
    sublayer: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    out: tl.tensor,
    hidden: tl.tensor,
    factor: tl.tensor,
    eps: tl.tensor,
    block: tl.constexpr,
) -> None:
    """out = layer norm of (normalised * factor + sublayer); a program takes one row of `hidden` numbers."""
    row = tl.program_id(0).to(tl.int64) * hidden
    k = tl.arange(0, block)
    inside = k < hidden
    x = tl.load(normalised + row + k, mask=inside, other=0).to(tl.float32) * factor
    x += tl.load(sublayer + row + k, mask=inside, other=0).to(tl.float32)
    mean = tl.sum(x, axis=0) / hidden
    centred = tl.where(inside, x - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / hidden
    y = centred / tl.sqrt(variance + eps)
    y = y * tl.load(weight + k, mask=inside, other=0).to(tl.float32)
    y += tl.load(bias + k, mask=inside, other=0).to(tl.float32)
    tl.store(out + row + k, y.to(out.dtype.element_ty), mask=inside)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def turned(part: tl.tensor, cos: tl.tensor, sin: tl.tensor, i: tl.tensor, half: tl.constexpr) -> tl.tensor:
    """Return the head at `part`, its two halves rotated; `cos` and the signed `sin` belong to its numbers `i`."""
    quarter: tl.constexpr = half // 2
    partner = tl.where(i % half < quarter, i + quarter, i - quarter)
    return tl.load(part + i).to(tl.float32) * cos + tl.load(part + partner).to(tl.float32) * sin


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def turn_and_store_kernel(
    packed: tl.tensor,
    table: tl.tensor,
    position_ids: tl.tensor,
    place: tl.tensor,
    query: tl.tensor,
    cache: tl.tensor,
    heads: tl.tensor,
    rows: tl.tensor,
    head_dim: tl.constexpr,
) -> None:
    """Rotate one head's query and key by its two positions; write key and value into the cache at row `place`."""
    half: tl.constexpr = head_dim // 2
    pair = tl.program_id(0).to(tl.int64)  # of a sequence and a head
    i = tl.arange(0, head_dim)
    position = tl.load(position_ids + (pair // heads) * 2 + i // half)
    at = table + position * head_dim + i % half
    cos = tl.load(at).to(tl.float32)
    sin = tl.load(at + half).to(tl.float32)
    source = packed + pair * (3 * head_dim)
    keys = cache + (2 * pair * rows + tl.load(place)) * head_dim
    q = turned(source, cos, sin, i, half)
    k = turned(source + head_dim, cos, sin, i, half)
    v = tl.load(source + 2 * head_dim + i)
    tl.store(query + pair * head_dim + i, q.to(query.dtype.element_ty))
    tl.store(keys + i, k.to(cache.dtype.element_ty))
    tl.store(keys + rows * head_dim + i, v.to(cache.dtype.element_ty))


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def attention_part_kernel(
    query: tl.tensor,
    cache: tl.tensor,
    place: tl.tensor,
    mask: tl.tensor,
    part_output: tl.tensor,
    part_largest: tl.tensor,
    part_sum: tl.tensor,
    heads: tl.tensor,
    rows: tl.tensor,
    rows_of_part: tl.tensor,
    mask_stride: tl.tensor,
    factor: tl.tensor,
    has_mask: tl.constexpr,
    head_dim: tl.constexpr,
    block: tl.constexpr,
) -> None:
    """One query of one head over one part of the cache: largest score, sum of exponentials, weighted values.

    Rows after `place` are not read. A part that begins after it has the largest score -inf and counts for nothing.
    """
    pair = tl.program_id(0).to(tl.int64)
    part = tl.program_id(1)
    d = tl.arange(0, head_dim)
    lane = tl.arange(0, block)
    q = tl.load(query + pair * head_dim + d).to(tl.float32) * factor
    keys = cache + 2 * pair * rows * head_dim
    values = keys + rows * head_dim
    added = mask + (pair // heads) * mask_stride
    largest = -float("inf")
    total = 0.0
    weighted = tl.zeros([head_dim], tl.float32)
    begin = part * rows_of_part
    end = tl.minimum(begin + rows_of_part, tl.load(place).to(tl.int32) + 1)
    for start in range(begin, end, block):
        r = start + lane
        inside = r < end
        at = r[:, None] * head_dim + d[None, :]
        k = tl.load(keys + at, mask=inside[:, None], other=0).to(tl.float32)
        scores = tl.sum(k * q[None, :], axis=1)
        if has_mask:
            scores += tl.load(added + r, mask=inside, other=0).to(tl.float32)
        scores = tl.where(inside, scores, -float("inf"))
        now_largest = tl.maximum(largest, tl.max(scores, axis=0))
        kept = tl.exp(largest - now_largest)
        weights = tl.exp(scores - now_largest)
        v = tl.load(values + at, mask=inside[:, None], other=0).to(tl.float32)
        weighted = weighted * kept + tl.sum(v * weights[:, None], axis=0)
        total = total * kept + tl.sum(weights, axis=0)
        largest = now_largest
    at_part = pair * tl.num_programs(1) + part
    tl.store(part_output + at_part * head_dim + d, weighted)
    tl.store(part_largest + at_part, largest)
    tl.store(part_sum + at_part, total)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def attention_join_kernel(
    part_output: tl.tensor,
    part_largest: tl.tensor,
    part_sum: tl.tensor,
    out: tl.tensor,
    parts: tl.tensor,
    head_dim: tl.constexpr,
    block_parts: tl.constexpr,
) -> None:
    """Put the parts of one head together: each counts by its own largest score."""
    pair = tl.program_id(0).to(tl.int64)
    d = tl.arange(0, head_dim)
    p = tl.arange(0, block_parts)
    inside = p < parts
    largest = tl.load(part_largest + pair * parts + p, mask=inside, other=-float("inf"))
    share = tl.exp(largest - tl.max(largest, axis=0))
    total = tl.sum(share * tl.load(part_sum + pair * parts + p, mask=inside, other=0), axis=0)
    at = (pair * parts + p)[:, None] * head_dim + d[None, :]
    outputs = tl.load(part_output + at, mask=inside[:, None], other=0)
    y = tl.sum(outputs * share[:, None], axis=0) / total
    tl.store(out + pair * head_dim + d, y.to(out.dtype.element_ty))
