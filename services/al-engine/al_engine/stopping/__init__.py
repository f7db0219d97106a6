"""When to stop labeling: the figures, and the advice."""
