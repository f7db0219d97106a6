"""The data set that comes out."""
