"""A BAT of our own: a double of the BMAT Annotation Tool, since the real one is a program of Python 2 alone.

It speaks HTTP in a process of its own, as the real one was seen to: what it answers, what it refuses, what it
breaks. `process.py` starts it; `faults.py` says what can be made to go wrong; `annotator.py` is a person who
labels in it with a browser. What it does is known from watching the real program, and `tests/unit/bat/` holds
it to that: nothing is invented to make a client's work easier.
"""
