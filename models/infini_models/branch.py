"""A memory beside the attention of a frozen base, whose output is added to that of local attention.

    project   q, k, v = the layer's own, plus a correction of low rank        (Hu et al. 2021)
    convolve  q_t = sum_j w_j q_(t-j), the same of k, over the last tokens    (Yang et al. 2024)
    centre    x - c, c the mean of what the base gives a text, then trained
    features  phi(x) = softmax(Wx, -Wx), see `feature_map.py`       (Hedgehog, Zhang et al. 2024)
    floor     s(y) = max(0, (1 + f) sigmoid(y) - f) with f = 0.15: zero for y < -1.9
    rate      s(w x + w' m + b) a KV head, m the mean of x over the last tokens, if there is a w'
    write     the delta rule token by token at that rate, see `delta.py`
    read      A_mem = gain * s(u x + c) * phi(q) M, before the segment is written
    output    W_o (attention + A_mem), plus a correction of low rank of A_mem

It differs from the paper's memory in eight ways, each for a reason. The base's own queries and
keys serve local attention, and a memory without position cannot tell them apart: here they may
move away, by a correction that starts at zero. What stands before a token may be part of its key: a
digit then knows whose number it is of. ELU + 1 makes all keys alike; softmax makes them sparse. But
where all keys of a head have one large component, as most have, softmax sees nothing else, and they
are alike again (cosine 0.99); without their mean they are not (0.1 to 0.5). Numbers so large that
softmax gives all to one feature leave no gradient to any other; scaled to one size (`sharpness`), a
query can be moved.
A rate lets what is not worth keeping go by unwritten: with a rate of exactly zero a million tokens
of it leave the memory as it was, where a thousandth would have worn it away (what stands before a
token tells a key from a date). What is read is added, not mixed: where nothing was written, or with
a gain of zero, the layer is the base's to the last bit. And each token has a gate on what it reads:
softmax features are never orthogonal, so every query retrieves something, also that of a token that
asks for nothing.

Queries, keys and values come without position, as the paper's memory sees them. Queries and keys
may be those of a lower layer, see `address.py`, and a segment may retrieve what it wrote itself,
see `writes.py`.

Shape suffixes: B batch rows, S tokens, D model width, E width of all heads together, H query heads,
N KV heads, G query heads that share a KV head, K head width, F rows of a feature map, P features
(2F), V width of values, R rank, W tokens before the first.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from infini_models.address import Address
from infini_models.config import BranchConfig, DecoderConfig
from infini_models.convolution import ShortConvolution, moving_mean
from infini_models.correction import LowRank
from infini_models.delta import delta_write
from infini_models.feature_map import hedgehog
from infini_models.gates import ReadGate, floored_sigmoid, gate_scores, push
from infini_models.memory import LayerMemory
from infini_models.writes import SegmentWrites, retrieve

READ_GATE_INIT = 2.0
"""c before training: nearly open, or nothing would be learnt."""


class MemoryBranch(nn.Module):
    """The memory of one layer and all that is trained of it, float32.

    Args:
        config: the decoder's shape.
        branch_config: the memory's.
    """

    def __init__(self, config: DecoderConfig, branch_config: BranchConfig) -> None:
        super().__init__()
        self.config, self.branch_config = config, branch_config
        heads, shared, width = config.num_heads, config.num_key_value_heads, config.head_dim
        rank, rows = branch_config.rank, branch_config.num_features
        self.query = LowRank(config.hidden_size, heads * width, rank)
        self.key = LowRank(config.hidden_size, shared * width, rank)
        self.value = LowRank(config.hidden_size, shared * width, rank)
        self.output = LowRank(heads * width, config.hidden_size, rank)
        self.query_map = nn.Parameter(torch.empty(heads, rows, width))
        self.key_map = nn.Parameter(torch.empty(shared, rows, width))
        self.query_center = nn.Parameter(torch.empty(heads, 1, width))
        self.key_center = nn.Parameter(torch.empty(shared, 1, width))
        self.query_taps: ShortConvolution | None = None
        self.key_taps: ShortConvolution | None = None
        if branch_config.num_taps > 1:
            self.query_taps = ShortConvolution(heads, branch_config.num_taps, width)
            self.key_taps = ShortConvolution(shared, branch_config.num_taps, width)
        self.rate = nn.Linear(config.hidden_size, shared)
        self.rate_mean: nn.Linear | None = None
        if branch_config.num_rate_taps > 1:
            self.rate_mean = nn.Linear(config.hidden_size, shared, bias=False)
        self.read_gate = ReadGate(config.hidden_size, heads)
        self.gain = nn.Parameter(torch.empty(heads))

    @torch.no_grad()
    def reset(self, generator: torch.Generator) -> None:
        """Start without corrections, maps as identity and random rows."""
        for correction in (self.query, self.key, self.value, self.output):
            correction.reset(generator)
        for feature_map in (self.query_map, self.key_map):
            width = feature_map.shape[2]
            # Rows beyond the identity's differ from each other, or they would learn the same.
            feature_map.normal_(0.0, width**-0.5, generator=generator)
            feature_map[:, :width] = torch.eye(width)[: feature_map.shape[1]]
        self.query_center.zero_()
        self.key_center.zero_()
        for taps in (self.query_taps, self.key_taps):
            if taps is not None:
                taps.reset()
        self.reopen()
        self.read_gate.weight.zero_()
        self.read_gate.bias.fill_(READ_GATE_INIT)
        self.gain.fill_(self.branch_config.gain_init)

    @torch.no_grad()
    def reopen(self) -> None:
        """Write every token at the rate of a new memory again.

        A rate that is shut has no gradient: what it was shut to, a memory never learns to write.
        """
        self.rate.weight.zero_()
        self.rate.bias.fill_(self.branch_config.rate_init)
        if self.rate_mean is not None:
            self.rate_mean.weight.zero_()

    @torch.no_grad()
    def center(self, address: Address) -> None:
        """Start with the means of a text's queries and keys as centres."""
        for x_BHSK, center_H1K in (
            (self.queries(address), self.query_center),
            (self.keys(address), self.key_center),
        ):
            center_H1K.copy_(x_BHSK.float().mean(dim=(0, 2)).unsqueeze(1))

    @property
    def num_before(self) -> int:
        """Tokens before the first whose queries count for it."""
        return self.branch_config.num_taps - 1

    @property
    def is_closed(self) -> bool:
        """Whether nothing that is read counts."""
        return not bool(self.gain.any())

    def empty_memory(self, batch: int) -> LayerMemory:
        """Give the memory before anything was read: zeros."""
        num_heads, num_features = (
            self.config.num_key_value_heads,
            2 * self.branch_config.num_features,
        )
        memory_BNPV = torch.zeros(batch, num_heads, num_features, self.config.head_dim)
        return LayerMemory(memory_BNPV, torch.zeros(batch, num_heads, 1))

    def queries(self, address: Address) -> Tensor:
        """Give the memory's queries, each of its own token alone, [B, H, S, K]."""
        return address.query_BHSK + self._heads(self.query(address.x_BSD))

    def keys(self, address: Address) -> Tensor:
        """Give the memory's keys, each of its own token alone, [B, N, S, K]."""
        return address.key_BNSK + self._heads(self.key(address.x_BSD))

    def query_features(self, query_BHSK: Tensor) -> Tensor:
        """Give phi(q) of what `queries` gives, or their convolution; float32 [B, H, S, P]."""
        return self._features(query_BHSK, self.query_center, self.query_map)

    def key_features(self, key_BNSK: Tensor) -> Tensor:
        """Give phi(k) of what `keys` gives, or their convolution; float32 [B, N, S, P]."""
        return self._features(key_BNSK, self.key_center, self.key_map)

    def read(
        self,
        x_BSD: Tensor,
        query_BHSK: Tensor,
        memory: LayerMemory,
        before_BHWK: Tensor | None = None,
        writes: SegmentWrites | None = None,
        shared: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Give what is added to the heads' local attention.

        Args:
            x_BSD: what the layer's attention sees.
            query_BHSK: what `queries` gives.
            memory: before the segment.
            before_BHWK: the queries of the `num_before` tokens before these; None: there are none.
            writes: what the segment writes, for its own tokens to retrieve; None: they do not.
            shared: multiplies features with a memory that several rows share; None: each row has
                its own.

        Returns:
            A_mem in the dtype of x, [B, H, S, V].
        """
        if self.query_taps is not None:
            query_BHSK = self.query_taps(query_BHSK, before_BHWK)
        features_BHSP = self.query_features(query_BHSK)
        retrieved_BHSV = (shared or retrieve)(features_BHSP, memory.memory_BNKV)
        if writes is not None:
            retrieved_BHSV = retrieved_BHSV + writes.retrieve(features_BHSP)
        gate_BSH = self.gain * self.read_gate(x_BSD)
        read_BHSV: Tensor = retrieved_BHSV * gate_BSH.transpose(1, 2).unsqueeze(-1)
        return read_BHSV.to(x_BSD.dtype)

    def rate_scores(self, x_BSD: Tensor) -> Tensor:
        """Give w x + w' m + b, at whose s(y) each token is written, float32 [B, S, N]."""
        score_BSN = gate_scores(self.rate, x_BSD)
        if self.rate_mean is None:
            return score_BSN
        # The mean of products, which are few, is the product with the mean.
        other_BSN = gate_scores(self.rate_mean, x_BSD)
        return score_BSN + moving_mean(other_BSN, self.branch_config.num_rate_taps)

    def write(
        self,
        x_BSD: Tensor,
        address: Address,
        value_BNSK: Tensor,
        memory: LayerMemory,
        first_place: int = 0,
    ) -> tuple[LayerMemory, SegmentWrites | None]:
        """Give the memory after a segment, and what is written; the old one is left as it is.

        Args:
            x_BSD: what the layer's attention sees.
            address: what keys are made of.
            value_BNSK: the layer's own values.
            memory: before the segment.
            first_place: of these tokens in the segment.

        Returns:
            The memory afterwards, and what was written to it; None: nothing.
        """
        score_BNS = self.rate_scores(x_BSD).transpose(1, 2)
        rate_BNS = floored_sigmoid(score_BNS)
        # In the place of a normaliser, which the delta rule does not need: how much was written.
        normalizer_BN1 = memory.normalizer_BNK + rate_BNS.sum(-1, keepdim=True)
        is_trained = torch.is_grad_enabled()
        if is_trained:
            normalizer_BN1 = normalizer_BN1 + push(score_BNS).sum(-1, keepdim=True)
        # A rate of zero changes nothing, and no gradient passes it: such tokens are left out.
        written_S = rate_BNS.detach().amax(dim=(0, 1)) > 0
        if not bool(written_S.any()):
            after = LayerMemory(memory.memory_BNKV, normalizer_BN1) if is_trained else memory
            return after, None
        key_BNSK = self._corrected(
            address.key_BNSK, address.x_BSD, written_S, self.key, self.key_taps
        )
        value_BNSV = self._corrected(value_BNSK, x_BSD, written_S, self.value)
        features_BNSP = self.key_features(key_BNSK)
        rate_BNS = rate_BNS[:, :, written_S]
        memory_BNPV, correction_BNSV = delta_write(
            memory.memory_BNKV, features_BNSP, value_BNSV.float(), rate_BNS
        )
        place_S = first_place + written_S.nonzero().squeeze(1)
        writes = SegmentWrites(features_BNSP, correction_BNSV, place_S)
        return LayerMemory(memory_BNPV, normalizer_BN1), writes

    def _corrected(
        self,
        own_BNSK: Tensor,
        x_BSD: Tensor,
        written_S: Tensor,
        correction: LowRank,
        taps: ShortConvolution | None = None,
    ) -> Tensor:
        """Give the memory's keys or values of the tokens that are written."""
        if taps is not None:  # before any are left out: neighbours count
            tapped_BNSK: Tensor = taps(own_BNSK + self._heads(correction(x_BSD)))
            return tapped_BNSK[:, :, written_S]
        if not bool(written_S.all()):
            own_BNSK, x_BSD = own_BNSK[:, :, written_S], x_BSD[:, written_S]
        return own_BNSK + self._heads(correction(x_BSD))

    def _features(self, x_BHSK: Tensor, center_H1K: Tensor, map_HFK: Tensor) -> Tensor:
        return hedgehog(x_BHSK, center_H1K, map_HFK, self.branch_config.sharpness)

    def _heads(self, y_BSE: Tensor) -> Tensor:
        return y_BSE.view(*y_BSE.shape[:2], -1, self.config.head_dim).transpose(1, 2)
