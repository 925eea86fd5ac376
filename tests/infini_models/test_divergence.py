"""The divergence in one pass: value and gradient of the plain formula."""

from __future__ import annotations

import pytest
import torch
from infini_models.divergence import ROWS_AT_ONCE, divergence
from torch.nn import functional


@pytest.mark.parametrize("num_tokens", [1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 3])
def test_value_and_gradient_are_those_of_the_formula(num_tokens: int) -> None:
    generator = torch.Generator().manual_seed(num_tokens)
    scores, wanted = (5 * torch.randn(num_tokens, 50, generator=generator) for _ in range(2))
    counts = torch.rand(num_tokens, generator=generator)
    scores.requires_grad_(True)
    plain = functional.kl_div(
        scores.log_softmax(-1), wanted.log_softmax(-1), reduction="none", log_target=True
    ).sum(-1)
    (plain * counts).sum().backward()
    expected = scores.grad
    scores.grad = None
    found = divergence(scores, wanted.clone())
    (found * counts).sum().backward()
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)
    assert scores.grad is not None
    torch.testing.assert_close(scores.grad, expected, atol=1e-6, rtol=1e-5)


def test_what_is_matched_already_teaches_nothing() -> None:
    scores = torch.randn(3, 7, requires_grad=True)
    found = divergence(scores, scores.detach().clone())
    found.sum().backward()
    torch.testing.assert_close(found, torch.zeros(3), atol=1e-6, rtol=0)
    assert scores.grad is not None
    torch.testing.assert_close(scores.grad, torch.zeros(3, 7), atol=1e-7, rtol=0)
