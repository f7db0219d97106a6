"""Soundscapes of several classes, mixed from a labeled folder, for `escolta simulate --events`.

    python bench/mixtures.py --audio ../shared/data/esc10/audio --truth ../shared/data/esc10/esc10.csv \
      --into var/mixtures

What is mixed how, and at which levels, says `tests/mixtures.py`. The folder must not be there yet; 100
mixtures of each fold take 256 MB where there are four.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent / "tests")  # and not this folder, where a file has the same name

from mixtures import write_mixtures  # noqa: E402

EACH = 100


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--of-each-fold", type=int, default=EACH)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    write_mixtures(chosen.audio, chosen.truth, chosen.into, chosen.of_each_fold, chosen.seed)


if __name__ == "__main__":
    main()
