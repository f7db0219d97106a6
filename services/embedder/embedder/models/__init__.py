"""The embedding models, behind one port."""
