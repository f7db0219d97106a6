"""What a deployment must be, as far as one can tell without an engine, a cluster or the internet."""
