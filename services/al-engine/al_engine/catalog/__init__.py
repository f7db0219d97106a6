"""What the al-engine reads of the catalog by window."""
