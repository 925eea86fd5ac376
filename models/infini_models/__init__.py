"""Infini-attention on pretrained decoders: token ids in, token ids out."""
