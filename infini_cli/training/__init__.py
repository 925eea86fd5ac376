"""Teaching a memory: samples with known answers, unrolled over segments, from a recipe."""
