"""What versions hold as one HTML page: for each combination a clip's middle frame, and how many clips there are."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

from its_core.dataset.loading import decode

_SIZE_PX = (108, 192)  # height, width
_MOST = 200  # cells with a picture

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Coverage</title><style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; }
div.cells { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 192px; } img { display: block; } figcaption b { float: right; }
</style></head><body>"""


def render(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as ``its_core.dataset.loading.index`` reads them. The page needs no network."""
    cells: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        cells.setdefault(tuple(str(row.get(name) or "–") for name in columns), []).append(row)
    figures = [_figure(words, cells[words]) for words in sorted(cells)[:_MOST]]
    total = sum(len(clips) for clips in cells.values())
    title = f"<h1>{total:,} clips, {len(cells):,} combinations of {html.escape(', '.join(columns))}</h1>"
    return f'{_HEAD}{title}<div class="cells">{"".join(figures)}</div></body></html>'


def _figure(words: tuple[str, ...], clips: list[Mapping[str, Any]]) -> str:
    from PIL import Image

    frame = decode.frames(clips[0]["video_url"], [clips[0]["no_frames"] // 2], _SIZE_PX)[0]
    file = BytesIO()
    Image.fromarray(frame.permute(1, 2, 0).contiguous().numpy()).save(file, "JPEG", quality=80)
    picture = base64.b64encode(file.getvalue()).decode()
    caption = html.escape(" · ".join(words))
    return (
        f'<figure><img width="{_SIZE_PX[1]}" height="{_SIZE_PX[0]}" alt="" src="data:image/jpeg;base64,{picture}">'
        f"<figcaption><b>{len(clips):,}</b>{caption}</figcaption></figure>"
    )
