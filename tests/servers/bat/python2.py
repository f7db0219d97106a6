"""How BAT, a program of Python 2 and Django 1.11, writes numbers, text and dates."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

SIGNIFICANT = 12
MONTHS = ("Jan.", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def printed(number: float) -> str:
    """`str` of a float: 12 significant digits, and always a point or an exponent."""
    text = f"{number:.{SIGNIFICANT}g}"
    if not text.lstrip("-").isdigit():
        return text
    if len(text.lstrip("-")) < SIGNIFICANT:
        return f"{text}.0"
    digits, _, exponent = f"{number:.{SIGNIFICANT - 1}e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{exponent}"


def rounded(number: float) -> float:
    """To two decimals, half away from zero: 0.125 becomes 0.13."""
    return float(Decimal(number).quantize(Decimal("0.01"), ROUND_HALF_UP))


def escaped(text: str) -> str:
    """As a template writes text into HTML, and into the scripts in it too."""
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def shown(text: str) -> str:
    """As a model prints itself: through ASCII. Raises UnicodeEncodeError for anything else."""
    return text.encode("ascii").decode("ascii")


def date(moment: datetime) -> str:
    """As lists show it: `Nov. 22, 2026, 7:17 a.m.`."""
    return f"{MONTHS[moment.month - 1]} {moment.day}, {moment.year}, {_time(moment)}"


def _time(moment: datetime) -> str:
    if moment.minute == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour else "midnight"
    minutes = f":{moment.minute:02d}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes} {'p.m.' if moment.hour >= 12 else 'a.m.'}"
