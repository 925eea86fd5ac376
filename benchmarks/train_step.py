"""How fast a memory is trained, against the machine's own matrix products in the same run.

The shape is SmolLM2-135M's, the weights are random, the base frozen; branches stand in layers 8
to 19 and two rows of six segments of 256 tokens are read, the last five tokens of which count.
`share` is the rate of the floating-point operations that cannot be left out (the base's
projections forward through 20 layers, backward to the activations of 12) over that of a plain
product in the same form. `distilled`: the base with the whole text in its window teaches every
fourth token after the first segment, so 30 layers go forward twice, 22 back, and there are scores
over the vocabulary. Below stands what reading costs: without a memory, with one that is written in
full, and with one that lets all go by.
"""

from __future__ import annotations

import torch
from infini_models.adapter import grow_branches
from infini_models.config import BranchConfig
from infini_models.decoder import Decoder
from infini_models.machine import best_form
from infini_models.unroll import unrolled_loss
from read_segment import SHAPE, seconds

LAYERS = range(8, 20)
FLOPS_A_LAYER = 2 * (576 * 576 * 2 + 576 * 192 * 2 + 3 * 576 * 1536)
FLOPS_A_TOKEN = FLOPS_A_LAYER * (LAYERS.stop + len(LAYERS))
ROWS, SEGMENTS, LENGTH = 2, 6, 256
HEAD_FLOPS = 2 * 49152 * 576 * 3 * (1 - 1 / SEGMENTS) / 4
"""Two rows of scores and a gradient for each token that counts."""
FLOPS_A_TAUGHT_TOKEN = FLOPS_A_LAYER * (30 + 30 + 30 - LAYERS.start) + HEAD_FLOPS


def model(form: str) -> Decoder:
    decoder = Decoder(SHAPE, form=form)
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if "norm" not in name and "gate" not in name.split(".")[-1]:
                parameter.normal_(0, 0.02)
    grow_branches(decoder, BranchConfig(tuple(LAYERS), 64))
    for name, parameter in decoder.named_parameters():
        parameter.requires_grad_(".memory_branch." in name)
    return decoder


def main() -> None:
    form = "bfloat16" if best_form() == "bfloat16" else "float32"
    decoder = model(form)
    x = torch.randn(ROWS * LENGTH, 576).to(decoder.dtype)
    weight = torch.randn(1536, 576).to(decoder.dtype)
    ceiling = 2 * x.numel() * 1536 / seconds(lambda: x @ weight.T, 20)
    ids = torch.randint(0, 49152, (ROWS, SEGMENTS * LENGTH + 1))
    weights = torch.zeros(ids.shape)
    weights[:, -5:] = 1

    def step(recompute: bool) -> None:
        found = unrolled_loss(decoder, ids, weights, [LENGTH] * SEGMENTS, recompute=recompute)
        found.loss.backward()

    taught = torch.zeros(ids.shape)
    taught[:, LENGTH + 1 :: 4] = 1

    def distill() -> None:
        with torch.no_grad():
            teacher = decoder.read_segment(ids[:, :-1], None).hidden_BSD
        lengths = [LENGTH] * SEGMENTS
        found = unrolled_loss(decoder, ids, taught, lengths, teacher_BSD=teacher, recompute=False)
        found.loss.backward()

    print(f"{form}, {ceiling / 1e12:.2f} TFLOP/s in a plain product")
    print("training           tokens/s  share")
    for name, recompute in (("kept activations", False), ("recomputed", True)):
        rate = ids.numel() / seconds(lambda r=recompute: step(r))
        print(f"{name:17}  {rate:8.0f}  {rate * FLOPS_A_TOKEN / ceiling:5.2f}")
    rate = ids.numel() / seconds(distill)
    print(f"{'distilled':17}  {rate:8.0f}  {rate * FLOPS_A_TAUGHT_TOKEN / ceiling:5.2f}")
    segment = torch.randint(0, 49152, (1, 2 * LENGTH))

    def read(memory: bool) -> None:
        state = decoder.empty_memory() if memory else None
        with torch.inference_mode():
            for _ in range(3):
                state = decoder.read_segment(segment, state).memory

    rates = {"no memory": 3 * segment.numel() / seconds(lambda: read(False))}
    rates["all written"] = 3 * segment.numel() / seconds(lambda: read(True))
    with torch.no_grad():
        for layer in LAYERS:
            decoder.layers[layer].self_attn.memory_branch.rate.bias.fill_(-9.0)
    rates["none written"] = 3 * segment.numel() / seconds(lambda: read(True))
    print("reading            tokens/s  of no memory")
    for name, rate in rates.items():
        print(f"{name:17}  {rate:8.0f}  {rate / rates['no memory']:5.2f}")


if __name__ == "__main__":
    main()
