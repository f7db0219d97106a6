"""Labelers, leads and groups; who signs in, and what they may do."""
