"""For clients of servers that speak no TLS."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. Without it each client of httpx reads every certificate of the machine, in 20 ms."""
