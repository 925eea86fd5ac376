"""How fast texts are written after a segment, against the rate at which weights can be read.

The shape is SmolLM2-135M's, the weights are random. A step of one text reads every weight once,
so the ceiling of one text is the machine's own rate of reading float32 numbers, measured by
summing as many in the same run; of several texts it is as many times that. `share` is the rate over
that ceiling.
"""

from __future__ import annotations

import torch
from infini_models.decoder import Decoder
from infini_models.generate import Branch, write_branches
from infini_models.sampling import Sampling
from read_segment import SHAPE, seconds

NUM_WEIGHTS = 49152 * 576 + 30 * (576 * 576 * 2 + 576 * 192 * 2 + 3 * 576 * 1536)
SEGMENT, NUM_STEPS = 640, 24


@torch.inference_mode()
def main() -> None:
    decoder = Decoder(SHAPE).eval()
    weights = torch.randn(NUM_WEIGHTS)
    ceiling = 1 / seconds(weights.sum, 10)
    segment = decoder.read_segment(torch.randint(0, 49152, (1, SEGMENT)), None, keep_cache=True)
    print("texts  tokens/s  share of reading the weights")
    for num_texts in (1, 4, 16):
        branches = [Branch([1], NUM_STEPS, segment.cache, stream=i) for i in range(num_texts)]

        def write(branches: list[Branch] = branches) -> None:
            write_branches(decoder, branches, Sampling(), ())

        rate = num_texts * NUM_STEPS / seconds(write, 2)
        print(f"{num_texts:5}  {rate:8.0f}  {rate / (num_texts * ceiling):6.2f}")


if __name__ == "__main__":
    main()
