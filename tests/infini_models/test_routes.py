"""What gets through some layers from a text to the tokens after it."""

from __future__ import annotations

import torch
from infini_models.attention import NUM_SINKS
from infini_models.routes import logits_through, read_text

from tests.infini_models.build import TINY, random_ids, tiny_decoder

TEXT, AFTER = 20, 6


def test_through_all_layers_it_is_the_base() -> None:
    decoder = tiny_decoder()
    ids = random_ids(1, TEXT + AFTER)[0].tolist()
    found_SV = logits_through(
        decoder, read_text(decoder, ids[:TEXT]), ids[TEXT:], range(TINY.num_layers)
    )
    whole_BSD = decoder.read_segment(torch.tensor([ids]), None).hidden_BSD
    torch.testing.assert_close(found_SV, decoder.logits(whole_BSD[0, TEXT:]), atol=1e-4, rtol=1e-4)


def test_what_is_told_gets_through_the_layers_named_and_no_others() -> None:
    decoder = tiny_decoder()
    one = random_ids(1, TEXT + AFTER)[0].tolist()
    other = [*one[:NUM_SINKS], *random_ids(1, TEXT - NUM_SINKS, seed=7)[0].tolist(), *one[TEXT:]]
    assert one[:TEXT] != other[:TEXT]
    texts = [read_text(decoder, ids[:TEXT]) for ids in (one, other)]

    def through(*layers: int) -> list[torch.Tensor]:
        return [logits_through(decoder, text, one[TEXT:], layers) for text in texts]

    # Their first tokens are alike, and so is what these saw.
    assert torch.equal(*through())
    differences = [float((a - b).abs().max()) for a, b in (through(0), through(1), through(0, 1))]
    assert min(differences) > 1e-3
    assert len(set(differences)) == 3
