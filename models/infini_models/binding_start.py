"""Where the meeting of queries and keys begins: subjects, told apart in closed form.

What a layer sees tells the subject of most tokens, but in a fiftieth of all that differs between
them. Gradients follow the rest first: which token of the answer it is, say, and then a softmax has
given all to one feature and nothing moves it. So what tells subjects is found by ridge regression,
of what tells and of what asks each by itself:

    P = (X - mean X) W,  W = argmin |P - Y|^2 + l |W|^2        Y: one column a subject
    Z = P C,             C: the directions of most differences between subjects' means of P

Both are projected from the same Z to a head's queries and keys, and the rows of feature maps are
the means of each subject's: a feature a subject, as far as there are rows.

Shape suffixes: T tokens, D model width, H query heads, N KV heads, K head width, F rows of a
feature map, Y subjects, R rank; X either kind of head.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from infini_models.attention import InfiniAttention
from infini_models.branch import MemoryBranch
from infini_models.correction import LowRank
from infini_models.labelled import Labelled

RIDGE = 3e-3
"""l above, over the mean square of what a layer sees."""
SIZE = 6.0
"""Deviation of what is added to queries and keys, over that of the base's own."""
SPARE_SIZE = 0.1
"""Length of the rows of feature maps that are no subject's, over that of the others."""


@torch.no_grad()
def start_meeting(
    attention: InfiniAttention,
    branch: MemoryBranch,
    told: Labelled,
    asked: Labelled,
    generator: torch.Generator,
) -> None:
    """Make queries and keys begin with what tells subjects; centres become the means.

    Args:
        attention: of the layer that the memory is addressed by.
        branch: the memory, changed in place.
        told: tokens with subjects.
        asked: likewise; the same subjects have the same numbers.
        generator: of the projection that both share.
    """
    num_subjects = 1 + int(torch.cat((told.subject_T, asked.subject_T)).max())
    config, rank = attention.config, branch.key.down_RI.shape[0]
    scores = [_scores(tokens, num_subjects) for tokens in (told, asked)]
    spread_YY = sum(means_YY.T @ means_YY for _, _, means_YY in scores)
    code_YR = torch.linalg.eigh(spread_YY).eigenvectors[:, -rank:]
    up_NKR = torch.empty(config.num_key_value_heads, config.head_dim, rank)
    up_NKR.normal_(0.0, rank**-0.5, generator=generator)
    up_HKR = up_NKR.repeat_interleave(config.num_groups, dim=0)
    by_told, by_asked = (attention.address(x.address_TD[None]) for x in (told, asked))
    _begin(branch.key, scores[0], code_YR, up_NKR, by_told.key_BNSK)
    _begin(branch.query, scores[1], code_YR, up_HKR, by_asked.query_BHSK)
    keys_NTK, queries_HTK = branch.keys(by_told)[0], branch.queries(by_asked)[0]
    _map(branch.key_center, branch.key_map, keys_NTK, told, num_subjects)
    _map(branch.query_center, branch.query_map, queries_HTK, asked, num_subjects)


def _scores(tokens: Labelled, num_subjects: int) -> tuple[Tensor, Tensor, Tensor]:
    """Regress subjects: give W, P, and each subject's mean of P."""
    x_TD, y_TY = tokens.address_TD.float(), one_hot(tokens.subject_T, num_subjects).float()
    x_TD = x_TD - x_TD.mean(dim=0)
    moments_DD = x_TD.T @ x_TD
    moments_DD.diagonal().add_(RIDGE * moments_DD.diagonal().mean())
    weight_DY = torch.linalg.solve(moments_DD, x_TD.T @ (y_TY - y_TY.mean(dim=0)))
    scores_TY = x_TD @ weight_DY
    means_YY = y_TY.T @ scores_TY / y_TY.sum(dim=0).clamp_min(1.0)[:, None]
    return weight_DY, scores_TY, means_YY


def _begin(
    correction: LowRank,
    scores: tuple[Tensor, Tensor, Tensor],
    code_YR: Tensor,
    up_XKR: Tensor,
    own_1XTK: Tensor,
) -> None:
    """Set a correction, in units of the deviation of each head's own; rows not needed stay."""
    weight_DY, scores_TY, _ = scores
    used = code_YR.shape[1]
    size = (scores_TY @ code_YR).square().mean().sqrt()
    correction.down_RI[:used] = (weight_DY @ code_YR).T / size
    scaled_XKR = SIZE * up_XKR * _deviations(own_1XTK[0])[:, None, None]
    scaled_XKR[..., used:] = 0.0
    correction.up_OR.copy_(scaled_XKR.flatten(0, 1))


def _map(
    center_X1K: Tensor, map_XFK: Tensor, own_XTK: Tensor, tokens: Labelled, num_subjects: int
) -> None:
    """Set a centre, and rows to the means of subjects; what they give has a mean square of 1."""
    center_X1K.copy_(own_XTK.float().mean(dim=1, keepdim=True))
    centred_XTK = own_XTK.float() - center_X1K
    y_TY = one_hot(tokens.subject_T, num_subjects).float()
    used = min(map_XFK.shape[1], num_subjects)
    map_XFK.mul_(SPARE_SIZE)
    map_XFK[:, :used] = normalize(y_TY.T @ centred_XTK, dim=-1)[:, :used]
    mapped_XTF = centred_XTK @ map_XFK.transpose(1, 2)
    map_XFK.div_(mapped_XTF.square().mean(dim=(1, 2), keepdim=True).sqrt())


def _deviations(x_XTK: Tensor) -> Tensor:
    """Give each head's standard deviation about its mean in each dimension."""
    return x_XTK.float().var(dim=1).mean(dim=1).sqrt()
