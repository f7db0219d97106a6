"""What an operator watches of every process, and the document of all that there is to watch.

A service's own metrics lie beside what they count. docs/metrics.md lists all of them.
"""
