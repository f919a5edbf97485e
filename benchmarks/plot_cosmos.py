"""Draws where a forward's time goes, from the tables that ``cosmos.py`` printed.

python benchmarks/plot_cosmos.py benchmarks/results/cosmos_h200.md benchmarks/results/cosmos_parts.svg
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH_PX, LEFT_PX, BAR_PX, GAP_PX = 760, 110, 34, 18
COLOURS = {
    "attention": "#3b6ea5",
    "matrix products": "#e08e45",
    "fused element-wise (Triton)": "#5a9e6f",
    "other": "#9a9a9a",
    "the whole forward": "#c3c7cc",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, help="Markdown with the tables of the parts forward and profile")
    parser.add_argument("svg", type=Path, help="the picture to write")
    arguments = parser.parse_args()
    text = arguments.tables.read_text(encoding="utf-8")
    arguments.svg.write_text(drawing(bars_of(text)), encoding="utf-8")


def bars_of(text: str) -> dict[str, dict[str, float]]:
    """A bar's name to seconds by part. Raises ValueError where the tables are not there."""
    diffusers = re.search(r"^\| diffusers [^|]*\| ([\d.]+) \|", text, re.MULTILINE)
    titles = re.findall(r"^#+ Time by part of one forward, (\S+)\n\n((?:\|.*\n)+)", text, re.MULTILINE)
    if diffusers is None or not titles:
        raise ValueError("no row of diffusers, or no table 'Time by part of one forward'")
    bars = {"diffusers": {"the whole forward": float(diffusers[1])}}
    for name, table in titles:
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
        bars[f"ours, {name}"] = {part: float(seconds) for part, seconds, _ in cells}
    return bars


def drawing(bars: dict[str, dict[str, float]]) -> str:
    longest = max(sum(parts.values()) for parts in bars.values())
    scale = (WIDTH_PX - LEFT_PX - 70) / longest
    shapes = []
    for row, (name, parts) in enumerate(bars.items()):
        y, x = GAP_PX + row * (BAR_PX + GAP_PX), float(LEFT_PX)
        shapes.append(_text(LEFT_PX - 8, y + 22, name, "end"))
        for part, seconds in parts.items():
            shapes.append(
                f'<rect x="{x:.1f}" y="{y}" width="{seconds * scale:.1f}" height="{BAR_PX}" fill="{COLOURS[part]}"/>'
            )
            if seconds * scale > 44:
                shapes.append(_text(x + seconds * scale / 2, y + 22, f"{seconds:.2f}", "middle"))
            x += seconds * scale
        shapes.append(_text(x + 6, y + 22, f"{sum(parts.values()):.2f} s", "start"))
    legend_y, x = GAP_PX + len(bars) * (BAR_PX + GAP_PX) + 12, 12.0
    for part in dict.fromkeys(part for parts in bars.values() for part in parts):
        shapes.append(f'<rect x="{x:.1f}" y="{legend_y - 11}" width="12" height="12" fill="{COLOURS[part]}"/>')
        shapes.append(_text(x + 17, legend_y, part, "start"))
        x += 36 + 7.2 * len(part)
    height = legend_y + 16
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{height}" font-family="sans-serif"'
    background = f'<rect width="{WIDTH_PX}" height="{height}" fill="white"/>'
    return "\n".join([f'{head} font-size="13">', background, *shapes, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    main()
