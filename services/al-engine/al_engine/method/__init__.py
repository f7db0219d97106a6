"""The method of the paper: pure functions on arrays, seeded, without input or output."""
