"""What is wrong with a sound: the predicate of a sentence whose subject is the file's name."""


class Unfit(Exception):
    """Raised by the parts of this package; who opens a file adds its name and makes it `Rejected`."""


def plural(count: int, noun: str) -> str:
    """`1 sample`, `2,000 samples`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
