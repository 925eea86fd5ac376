"""A file or standard input becomes a Book. No torch."""
