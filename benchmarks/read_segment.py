"""How fast a segment is read, against the machine's own matrix products in the same run.

The shape is SmolLM2-135M's, the weights are random. `share` is the rate of the projections'
floating-point operations over that of a plain product of the same numbers. bfloat16 weights are
read as they lie in the file and packed, as a model that is opened has them. Peak memory is that
of a process which reads one segment and of one which reads eight.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from infini_models.config import DecoderConfig
from infini_models.decoder import Decoder
from infini_models.machine import best_form

SHAPE = DecoderConfig("llama", 49152, 576, 30, 9, 3, 64, 1536, tie_word_embeddings=True)
FLOPS_A_TOKEN = 2 * 30 * (576 * 576 * 2 + 576 * 192 * 2 + 3 * 576 * 1536)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Give the shortest of a few runs after a first one."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def model(form: str = "float32") -> Decoder:
    decoder = Decoder(SHAPE, form=form)
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if "norm" not in name and "gate" not in name.split(".")[-1]:
                parameter.normal_(0, 0.02)
    return decoder.eval()


def peak(num_segments: int) -> None:
    decoder, ids = model(), torch.randint(0, 49152, (1, 1024))
    memory = decoder.empty_memory()
    for _ in range(num_segments):
        memory = decoder.read_segment(ids, memory).memory or memory
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak_of(num_segments: int) -> int:
    command = [sys.executable, __file__, "--peak", str(num_segments)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@torch.inference_mode()
def main() -> None:
    if sys.argv[1:2] == ["--peak"]:
        peak(int(sys.argv[2]))
        return
    print("weights          segment  tokens/s  share of a plain product")
    for name, form, dtype in (
        ("float32", "float32", torch.float32),
        ("bfloat16", "bfloat16", torch.bfloat16),
        ("bfloat16 packed", "bfloat16", torch.bfloat16),
    ):
        if form == "bfloat16" and best_form() != "bfloat16":
            continue
        decoder = model(form)
        if name.endswith("packed"):
            decoder.pack()
        memory = decoder.empty_memory()
        for length in (512, 2048):
            x, weight = torch.randn(length, 576).to(dtype), torch.randn(1536, 576).to(dtype)
            ceiling = 2 * x.numel() * 1536 / seconds(lambda x=x, w=weight: x @ w.T, 20)
            ids = torch.randint(0, 49152, (1, length))
            rate = length / seconds(lambda ids=ids, d=decoder, m=memory: d.read_segment(ids, m))
            print(f"{name:15}  {length:7}  {rate:8.0f}  {rate * FLOPS_A_TOKEN / ceiling:6.2f}")
    one, eight = peak_of(1), peak_of(8)
    print(f"peak memory, 1 and 8 segments: {one >> 10} and {eight >> 10} MiB, {eight / one:.2f}")


if __name__ == "__main__":
    main()
