"""Iterations: asked for, run, resumed, replayed, and shown."""
