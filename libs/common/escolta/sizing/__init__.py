"""Sizing: which disks, how much memory and how many cores a deployment wants for a year."""
