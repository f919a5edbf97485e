"""How long many clips take on many GPUs, from the seconds of one clip. On paper: GPUs work on clips of their own.

python benchmarks/cosmos_throughput.py bf16=201.7 fp8+cache=50.4
"""

from __future__ import annotations

import argparse
from math import ceil

CLIPS, GPUS = (1_000, 100_000), (1, 8, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modes", nargs="+", metavar="MODE=SECONDS", help="seconds of a further clip of a shard")
    modes = [text.rsplit("=", 1) for text in parser.parse_args().modes]
    columns = [f"{clips:,} on {gpus}" for clips in CLIPS for gpus in GPUS]
    print(f"| mode | s a clip | clips an hour a GPU | {' | '.join(columns)} |")
    print(f"|---|{'--:|' * (len(columns) + 2)}")
    for mode, seconds in modes:
        each = float(seconds)
        spans = [_span(ceil(clips / gpus) * each) for clips in CLIPS for gpus in GPUS]
        print(f"| {mode} | {each:.1f} | {3600 / each:.1f} | {' | '.join(spans)} |")


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 100 else f"{hours / 24:.1f} d"


if __name__ == "__main__":
    main()
