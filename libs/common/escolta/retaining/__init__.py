"""Retaining: what is kept for how long, and how what is older goes, by the operator."""
