"""Where models and book memories live on disk, and how they get there."""
