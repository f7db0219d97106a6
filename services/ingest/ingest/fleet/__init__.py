"""The fleet: nodes that are admitted, listed and turned away by their operator."""
