"""Many books: what is done stays done, and a bad book stops nothing."""
