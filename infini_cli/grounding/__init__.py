"""What a book bears of what was written about it, and where."""
