"""The loss of a text over many segments, with gradients through the memory (training).

Backpropagation goes through every write of every earlier segment. Each segment's activations are
computed again when its turn comes in the backward pass, so that a text of any number of segments
takes the activations of one, and the memory of each.

Shape suffixes: B batch rows, S tokens, V vocabulary, L layers with a branch, N KV heads, H query
heads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from infini_models.decoder import Decoder
from infini_models.divergence import divergence
from infini_models.gates import ReadGate, push
from infini_models.memory import Memory


@dataclass(frozen=True, slots=True)
class UnrolledLoss:
    """What unrolling a text gives.

    Attributes:
        loss: weighted mean of the negative log-likelihoods, float32 scalar, in nats.
        memory: after the last segment.
        num_right: targets of weight above zero whose likeliest token is right.
        num_targets: such targets.
        written_LN: mean rate at which each KV head of each layer wrote the text, 0 to 1; float32
            [layers, KV heads] with gradients. Of a memory without rates: no layers.
        opened_LH: mean of each head's read gate, 0 while its layer's memory is empty; float32
            [layers, heads] with gradients. Of a memory without gates: no layers.
    """

    loss: Tensor
    memory: Memory
    num_right: int
    num_targets: int
    written_LN: Tensor
    opened_LH: Tensor


def unrolled_loss(
    decoder: Decoder,
    ids_BS: Tensor,
    weights_BS: Tensor,
    segment_lengths: Sequence[int],
    memory: Memory | None = None,
    *,
    teacher_BSD: Tensor | None = None,
    recompute: bool = True,
    visit_all: bool = False,
) -> UnrolledLoss:
    """Read a text segment by segment and predict each next token.

    The last token of a segment predicts the first of the next.

    Args:
        decoder: what is trained, or part of it.
        ids_BS: token ids; the last is a target only.
        weights_BS: how much predicting each id counts; the first is never predicted.
        segment_lengths: tokens of the segments, together S - 1.
        memory: before the text; None: empty.
        teacher_BSD: activations after the last norm whose distributions are to be matched, one
            for each id but the last; the loss is then the divergence KL(teacher, model), and ids
            only tell which tokens are right. None: the ids are learnt.
        recompute: whether each segment's activations are computed again in the backward pass;
            else those of the whole text are kept, which is faster by a third.
        visit_all: whether the backward pass goes through every segment, also one that nothing
            depends on: processes that share a decoder have to meet in each.

    Raises:
        ValueError: the lengths are not those of the text, or no target counts.
    """
    if sum(segment_lengths) != ids_BS.shape[1] - 1 or min(segment_lengths, default=0) < 1:
        raise ValueError(f"segments of {list(segment_lengths)} do not make {ids_BS.shape[1] - 1}")
    weight = weights_BS[:, 1:].sum()
    if not bool(weight > 0):
        raise ValueError("no token of the text counts")
    if memory is None:
        memory = decoder.empty_memory(ids_BS.shape[0])
    before = memory
    total = torch.zeros(())
    opened_LH = torch.zeros(len(_read_gates(decoder)), decoder.config.num_heads)
    num_right, start = 0, 0
    for length in segment_lengths:
        inputs_BS = ids_BS[:, start : start + length]
        targets_BS = ids_BS[:, start + 1 : start + 1 + length]
        counts_BS = weights_BS[:, start + 1 : start + 1 + length]
        teaches_BSD = teacher_BSD[:, start : start + length] if teacher_BSD is not None else None
        arguments = (decoder, inputs_BS, targets_BS, counts_BS, memory, teaches_BSD, visit_all)
        if recompute:
            loss, right, memory, seen_LH = checkpoint(
                _segment_loss, *arguments, use_reentrant=False
            )
        else:
            loss, right, memory, seen_LH = _segment_loss(*arguments)
        total = total + loss
        opened_LH = opened_LH + seen_LH
        num_right += int(right)
        start += length
    num_targets = int((weights_BS[:, 1:] > 0).sum())
    num_tokens = sum(segment_lengths)
    written_LN, opened_LH = _written(before, memory) / num_tokens, opened_LH / num_tokens
    return UnrolledLoss(total / weight, memory, num_right, num_targets, written_LN, opened_LH)


def _written(before: Memory, after: Memory) -> Tensor:
    # One number a head: a branch's sum of rates. The paper's normaliser has one a feature.
    sums = [
        (new.normalizer_BNK - old.normalizer_BNK).mean(dim=(0, 2))
        for old, new in zip(before, after, strict=True)
        if new.normalizer_BNK.shape[-1] == 1
    ]
    num_heads = after[0].normalizer_BNK.shape[1]
    return torch.stack(sums) if sums else torch.zeros(0, num_heads)


def _read_gates(decoder: Decoder) -> list[ReadGate]:
    return [module for module in decoder.modules() if isinstance(module, ReadGate)]


@contextmanager
def _watched(gates: Sequence[ReadGate], num_heads: int) -> Iterator[Callable[[], Tensor]]:
    """Watch how far gates open; gives what tells it, [layers, heads], summed over the tokens."""
    seen: dict[int, Tensor] = {}

    def watch(gate: nn.Module, inputs: tuple[Tensor, ...], open_BSH: Tensor) -> None:
        assert isinstance(gate, ReadGate)
        pushed_BSH = open_BSH + push(gate.scores(inputs[0]))
        seen[id(gate)] = pushed_BSH.mean(dim=0).sum(dim=0)

    hooks = [gate.register_forward_hook(watch) for gate in gates]
    none_H = torch.zeros(num_heads)

    def opened() -> Tensor:
        if not gates:
            return torch.zeros(0, num_heads)
        return torch.stack([seen.get(id(gate), none_H) for gate in gates])

    try:
        yield opened
    finally:
        for hook in hooks:
            hook.remove()


def _segment_loss(
    decoder: Decoder,
    inputs_BS: Tensor,
    targets_BS: Tensor,
    counts_BS: Tensor,
    memory: Memory,
    teacher_BSD: Tensor | None,
    visit_all: bool,
) -> tuple[Tensor, Tensor, Memory, Tensor]:
    counted_BS = counts_BS > 0
    gates = _read_gates(decoder)
    with _watched(gates, decoder.config.num_heads) as opened:
        # Scores over the vocabulary only where they count: of a pass key that is five tokens.
        result = decoder.read_segment(inputs_BS, memory, memory_only=not bool(counted_BS.any()))
        opened_LH = opened()
    assert result.memory is not None
    scores_TV = decoder.logits(result.hidden_BSD[counted_BS])
    targets_T = targets_BS[counted_BS]
    if teacher_BSD is None:
        losses_T = functional.cross_entropy(scores_TV, targets_T, reduction="none")
    else:
        with torch.no_grad():
            wanted_TV = decoder.logits(teacher_BSD[counted_BS])
        losses_T = divergence(scores_TV, wanted_TV)
    right = (scores_TV.detach().argmax(dim=-1) == targets_T).sum()
    loss = (losses_T * counts_BS[counted_BS]).sum()
    if visit_all:
        loss = loss + 0.0 * result.hidden_BSD[..., 0].sum()
    return loss, right, result.memory, opened_LH
