"""One file a verb; torch is imported inside the functions."""
