"""The audit log, as leads read it."""
