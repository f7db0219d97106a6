"""The classes, which grow as people label."""
