"""How much sooner texts are there when what their prompts begin with is read once.

The shape is SmolLM2-135M's, the weights are random, in the form that is used on this machine.
`ratio` is the time with every prompt read by itself over the time with beginnings shared, from
the same run.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from infini_models.generate import write_branches
from infini_models.machine import best_form
from infini_models.sampling import Sampling
from read_segment import model, seconds

from infini_cli.tasks import beginnings

VOCABULARY, ENDING, NUM_STEPS = 49152, 60, 24


@torch.inference_mode()
def main() -> None:
    decoder = model("bfloat16" if best_form() == "bfloat16" else "float32")
    decoder.pack()
    reader: Any = SimpleNamespace(decoder=decoder)
    print("beginning  texts  together s  each by itself s  ratio")
    for num_shared in (200, 3600):
        for num_texts in (2, 5):
            first = torch.randint(0, VOCABULARY, (num_shared,)).tolist()
            ids = [
                [*first, *torch.randint(0, VOCABULARY, (ENDING,)).tolist()]
                for _ in range(num_texts)
            ]

            def write(prompts: list[list[int]] = ids) -> None:
                branches = beginnings.read_prompts(reader, prompts, [NUM_STEPS] * len(prompts))
                write_branches(decoder, branches, Sampling(), (), release=True)

            together = seconds(write, 2)
            share, beginnings.SHARED_SHARE = beginnings.SHARED_SHARE, 2.0
            alone = seconds(write, 2)
            beginnings.SHARED_SHARE = share
            ratio = alone / together
            print(f"{num_shared:9}  {num_texts:5}  {together:10.2f}  {alone:16.2f}  {ratio:5.2f}")


if __name__ == "__main__":
    main()
