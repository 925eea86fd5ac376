"""Text to token ids and back: tokenizers, chat templates, segment plans. No torch."""
