"""Escolta's common ground: the vocabulary and the ports that every service stands on."""
