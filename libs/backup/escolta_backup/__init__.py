"""Backup and restore of catalog and objects, while services are at work: `escolta backup`, `escolta restore`.

docs/backup.md is written for those who use it, decision 34 says why it is as it is.
"""
