"""Arithmetic that gives the same answer on every machine, in blocks that fit the memory."""
