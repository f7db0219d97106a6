"""The whole loop on one machine: a harbor to listen to, simulated labelers, and the result."""
