"""The measure of a sentence against passages: words, rare words, names, numbers."""

from __future__ import annotations

import pytest

from infini_cli.grounding.agreement import Lexicon, agree, read_claim, read_lexicon
from infini_cli.grounding.passages import Passages
from infini_cli.language.stems import stems
from tests.tokens.build import build_book

SCENE = (
    "That evening Nerrin broke the blue seal and weighed the old tolm against forty coins. "
    "It was light. She looked at Pia and said nothing, and the pilot looked at her."
)
OTHER = (
    "At dusk Jossamy rowed to the shoal with Pia and found the hull of the skiff. Nothing moved "
    "on the water. The murder had been done there, said the pilot, and nobody was arrested."
)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    book = build_book([["# One", SCENE], ["# Two", OTHER]])
    return read_lexicon(book, Passages(book))


def is_supported(sentence: str, lexicon: Lexicon, source: str = SCENE) -> bool:
    claim = read_claim(sentence, lexicon)
    return agree(claim, frozenset(stems(source)), lexicon).is_supported


@pytest.mark.parametrize(
    "sentence",
    [
        "Nerrin weighs the tolm against 40 coins.",
        "Breaking the seal, Nerrin weighed the old tolm.",
        "The pilot looked at Nerrin.",
    ],
)
def test_what_the_passage_says_is_supported(sentence: str, lexicon: Lexicon) -> None:
    assert is_supported(sentence, lexicon)


@pytest.mark.parametrize(
    "sentence",
    [
        # Another name of the book, at the start, inside, or in lower case.
        "Jossamy weighed the old tolm against forty coins.",
        "That evening the old tolm was weighed by Jossamy against forty coins.",
        "the old tolm was weighed by jossamy against forty coins.",
        # A name that the book does not have.
        "Gandalf weighed the old tolm against forty coins.",
        "That evening the old tolm was weighed by Gandalf against forty coins.",
        # Another number.
        "Nerrin weighed the old tolm against fifty coins.",
        "Nerrin weighed the old tolm against 41 coins.",
        # Words that turn it into something else.
        "Nerrin was arrested for the murder.",
    ],
)
def test_what_it_does_not_say_is_not(sentence: str, lexicon: Lexicon) -> None:
    assert not is_supported(sentence, lexicon)


def test_rare_words_count_more_than_common_ones() -> None:
    everywhere = [f"The keeper wrote in the book of the light, page {n}." * 9 for n in range(40)]
    book = build_book([["# One", *everywhere, "Somebody poisoned the keeper."]])
    lexicon = read_lexicon(book, Passages(book))
    known = frozenset(stems("The keeper wrote in the book of the light."))
    agreement = agree(read_claim("The keeper of the light is poisoned.", lexicon), known, lexicon)
    assert agreement.words == pytest.approx(2 / 3)
    assert agreement.rare < 0.5
    assert not agreement.is_supported


def test_where_every_noun_has_a_capital_there_are_no_names() -> None:
    text = "Der alte Mann sah das Meer, und die Frau nahm den Korb mit dem Brot in das Haus."
    book = build_book([["# Eins", text]])
    lexicon = read_lexicon(book, Passages(book))
    assert not lexicon.has_capitals
    assert read_claim("Die Frau nahm das Brot.", lexicon).names == frozenset()


@pytest.mark.parametrize("sentence", ["", "...", "It is."])
def test_a_sentence_that_says_nothing_claims_nothing(sentence: str, lexicon: Lexicon) -> None:
    claim = read_claim(sentence, lexicon)
    assert (claim.words, claim.names, claim.numbers) == ((), frozenset(), ())
    assert agree(claim, frozenset(), lexicon).score == 1.0


def test_a_book_without_words_has_a_lexicon() -> None:
    book = build_book([["..."]])
    lexicon = read_lexicon(book, Passages(book))
    assert lexicon.names == frozenset()
    assert lexicon.rarity("lantern") == 1.0
