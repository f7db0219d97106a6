"""Private servers for the tests: on free loopback ports, with their data in a temporary folder.

Each one ends with the tests, also when these are killed. No other server is touched.
"""
