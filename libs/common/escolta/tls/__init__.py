"""A certificate authority of one's own, and what the servers of a deployment show under it: `escolta tls`."""

from escolta.tls.folder import Certificate, make_certificates

__all__ = ["Certificate", "make_certificates"]
