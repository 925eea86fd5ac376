"""How fast texts are written after a segment, against the rate at which weights can be read.

The shape is SmolLM2-135M's, the weights are random, in the form that is used on this machine. A
step of one text reads every weight once, so the ceiling of one text is the machine's own rate of
reading as many bytes, measured by summing float32 numbers in the same run; of several texts it is
as many times that. `share` is the rate over that ceiling. Two texts continue each segment, as notes
do; `apart` is the rate where every text has a copy of its segment.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from infini_models.generate import Branch, write_branches
from infini_models.machine import best_form
from infini_models.sampling import Sampling
from read_segment import model, seconds

NUM_WEIGHTS = 49152 * 576 + 30 * (576 * 576 * 2 + 576 * 192 * 2 + 3 * 576 * 1536)
SEGMENT, NUM_STEPS = 640, 24


@torch.inference_mode()
def main() -> None:
    form = best_form()
    decoder = model("bfloat16" if form == "bfloat16" else "float32")
    decoder.pack()
    num_bytes = NUM_WEIGHTS * decoder.embed_tokens.weight.element_size()
    numbers = torch.randn(num_bytes // 4)
    ceiling = 1 / seconds(numbers.sum, 10)
    segments = [
        decoder.read_segment(torch.randint(0, 49152, (1, SEGMENT)), None, keep_cache=True).cache
        for _ in range(8)
    ]
    print("texts  tokens/s  share of reading the weights  apart")
    for num_texts in (1, 4, 16):
        rates = []
        for caches in (segments, [replace(cache) for cache in 2 * segments if cache]):
            branches = [
                Branch([1], NUM_STEPS, caches[index // 2 if caches is segments else index])
                for index in range(num_texts)
            ]

            def write(branches: list[Branch] = branches) -> None:
                write_branches(decoder, branches, Sampling(), ())

            rates.append(num_texts * NUM_STEPS / seconds(write, 2))
        share = rates[0] / (num_texts * ceiling)
        print(f"{num_texts:5}  {rates[0]:8.0f}  {share:28.2f}  {rates[1]:5.0f}")


if __name__ == "__main__":
    main()
