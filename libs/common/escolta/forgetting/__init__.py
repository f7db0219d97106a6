"""Forgetting: audios and people whose traces are to go, by the operator."""
