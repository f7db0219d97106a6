"""The store as a second catalog: rows that are missing are made again from the notes of the objects."""
