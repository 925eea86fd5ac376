"""Writing: branches off segments, decoded together as one batch.

A branch continues the window of a segment that was read, or starts from nothing; it reads the
memory given to it and never writes to it. Branches that finish leave the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from infini_models.branch_cache import ATTENTION_BLOCK, BranchCache
from infini_models.cache import SegmentCache
from infini_models.decoder import Decoder
from infini_models.machine import give_back_memory
from infini_models.memory import Memory
from infini_models.sampling import Sampler, Sampling

OnToken = Callable[[int, int], None]
"""Called with a branch's index and each token id it writes, stop tokens left out."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A text to be written.

    Attributes:
        prompt: token ids that come before what is written, at least one.
        max_tokens: the most tokens to write.
        cache: the segment it continues; None starts from the prompt alone.
        memory: what it may retrieve from (batch of 1); None switches the memory off.
        stream: its random stream.
    """

    prompt: Sequence[int]
    max_tokens: int
    cache: SegmentCache | None = None
    memory: Memory | None = None
    stream: int = 0

    def __post_init__(self) -> None:
        if not self.prompt:
            raise ValueError("a branch needs a prompt of at least one token")


@dataclass(slots=True)
class Written:
    """What a branch wrote.

    Attributes:
        ids: tokens, stop token left out.
        finished: `stop` at a stop token, `length` at `max_tokens`.
        log_probabilities: nats that the model gave each token chosen, a stop token included,
            before anything was discouraged or forbidden.
    """

    ids: list[int] = field(default_factory=list)
    finished: Literal["stop", "length"] = "length"
    log_probabilities: list[float] = field(default_factory=list, compare=False)


def read_prompt(decoder: Decoder, branch: Branch) -> Branch:
    """Read a long prompt that starts from nothing at reading speed, all but its last token.

    Returns:
        the same branch, continuing the window of what was read.
    """
    if branch.cache is not None or len(branch.prompt) < 2:
        return branch
    cache = read_beginning(decoder, branch.prompt[:-1], branch.memory)
    return replace(branch, prompt=branch.prompt[-1:], cache=cache)


def read_beginning(
    decoder: Decoder,
    ids: Sequence[int],
    memory: Memory | None = None,
    *,
    num_prefix: int = 0,
    write: bool = False,
) -> SegmentCache:
    """Read what prompts begin with, for branches to continue.

    Args:
        decoder: the model.
        ids: at least one.
        memory: what they may retrieve from; None switches the memory off.
        num_prefix: leading tokens that are seen and never kept.
        write: whether this is text to be kept: a memory that is read within a segment then has it
            for what continues it.
    """
    with torch.inference_mode():
        result = decoder.read_segment(
            torch.tensor([list(ids)]), memory, num_prefix=num_prefix, write=write, keep_cache=True
        )
    assert result.cache is not None
    return result.cache


@torch.inference_mode()
def write_branches(
    decoder: Decoder,
    branches: Sequence[Branch],
    sampling: Sampling,
    stop_ids: Collection[int],
    on_token: OnToken | None = None,
    *,
    release: bool = False,
    independent: bool = False,
) -> list[Written]:
    """Decode all branches together, step by step, until each has stopped.

    Args:
        decoder: the model.
        branches: what to write; either all or none have a memory.
        sampling: how tokens are chosen.
        stop_ids: tokens that end a branch.
        on_token: told of every token as it is written.
        release: whether the segments that the branches continue may be emptied, which halves
            what is held; they serve nothing else afterwards.
        independent: whether each text is to be the same to the last bit whatever is written beside
            it, as long as all prompts are of the same lengths; it takes more memory.

    Returns:
        one result a branch, in order.
    """
    if not branches:
        return []
    config = decoder.config
    room = max(len(branch.prompt) for branch in branches) + max(b.max_tokens for b in branches)
    cache = BranchCache(
        [branch.cache for branch in branches],
        _memories(decoder, branches),
        room,
        (config.num_layers, config.num_key_value_heads, config.head_dim),
        decoder.dtype,
        release=release,
        alignment=ATTENTION_BLOCK if independent else 1,
    )
    if release:
        give_back_memory()
    samplers = [Sampler(sampling, branch.stream) for branch in branches]
    results = [Written() for _ in branches]
    alive = list(range(len(branches)))
    lengths_B = torch.tensor([len(branch.prompt) for branch in branches])
    ids_BS = _padded([list(branch.prompt) for branch in branches])
    while alive:
        scores_BV = decoder.lm_head(decoder.extend(ids_BS, lengths_B, cache))
        kept: list[int] = []
        for row, index in enumerate(alive):
            # Row by row: fresh pages for the whole batch in float32 would cost more.
            logits_V = scores_BV[row].float()
            token = samplers[index].choose(logits_V)
            log_probability = float(logits_V[token] - logits_V.logsumexp(-1))
            results[index].log_probabilities.append(log_probability)
            if token in stop_ids:
                results[index].finished = "stop"
                continue
            results[index].ids.append(token)
            if on_token is not None:
                on_token(index, token)
            if len(results[index].ids) < branches[index].max_tokens:
                kept.append(row)
        if len(kept) < len(alive):
            alive = [alive[row] for row in kept]
            if alive:
                cache.keep(kept)
        ids_BS = torch.tensor([[results[index].ids[-1]] for index in alive])
        lengths_B = torch.ones(len(alive), dtype=torch.long)
    return results


def _memories(decoder: Decoder, branches: Sequence[Branch]) -> list[Memory | None]:
    """Give what each branch retrieves from.

    A closed gate reads nothing: copies of the memory would only take space.
    """
    return [None if decoder.is_closed else branch.memory for branch in branches]


def _padded(rows: list[list[int]]) -> Tensor:
    width = max(len(row) for row in rows)
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])
