"""Offline campaigns: what each strategy would have learned from a labeled folder."""
