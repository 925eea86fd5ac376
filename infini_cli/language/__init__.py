"""What a text says by its words alone: sentences, stems, names, numbers, who speaks."""
