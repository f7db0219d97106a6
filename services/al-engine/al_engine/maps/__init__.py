"""Maps of iterations: asked for, fitted, placed, drawn."""
