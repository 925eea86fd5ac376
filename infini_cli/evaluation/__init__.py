"""Measuring what a model's memory holds: tests with known answers, and controls beside them."""
