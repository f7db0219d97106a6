"""Batches: given out to groups, agreed on, closed."""
