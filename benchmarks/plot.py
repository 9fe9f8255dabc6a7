"""A bar chart of benchmark rows as SVG, drawn by hand: no library, and readable on light and dark pages."""

from collections.abc import Sequence
from html import escape
from typing import Any

# Pixels: the picture, what bars leave at their left for names and at their right for figures, a bar, between rows.
WIDTH, LABEL, FIGURE, BAR, GAP = 1000, 380, 220, 14, 18
STYLE = (
    "text{font:12px system-ui,'Noto Sans CJK SC',sans-serif;fill:#1f2937}.title{font-size:15px;font-weight:600}.unit{fill:#6b7280}"
    ".ours{fill:#206bc4}.peer{fill:#9aa5b1}.goal{stroke:#d63939;stroke-width:2;stroke-dasharray:3 3}"
    "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.unit{fill:#9ca3af}.peer{fill:#6b7280}.ours{fill:#4299e1}}"
)


def draw(title: str, rows: Sequence[dict[str, Any]]) -> str:
    """One group of bars a row: ours, then each peer, to the scale of the row's largest figure; the goal is a dashed line."""
    parts, top = [f'<text class="title" x="16" y="26">{escape(title)}</text>'], 44
    for row in rows:
        group, height = _group(row, top)
        parts += group
        top += height + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _group(row: dict[str, Any], top: int) -> tuple[list[str], int]:
    figures = {"Mainline": row["ours"], **row["peers"]}
    largest = max([*figures.values(), row["goal"] or 0]) or 1
    scale = (WIDTH - LABEL - FIGURE) / largest
    parts = [
        f'<text x="16" y="{top + 12}">{escape(row["what"])}</text>',
        f'<text class="unit" x="16" y="{top + 27}">{escape(row["unit"])}, {escape(row["better"])} is better</text>',
    ]
    height = max(30, len(figures) * (BAR + 4))
    for place, (name, figure) in enumerate(figures.items()):
        y, length = top + place * (BAR + 4), max(1.0, figure * scale)
        parts.append(f'<rect class="{"peer" if place else "ours"}" x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3"/>')
        parts.append(f'<text x="{LABEL + length + 6:.1f}" y="{y + 11}">{figure:,.4g} {escape(name)}</text>')
    if row["goal"]:
        x = LABEL + row["goal"] * scale
        parts.append(f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 3}" y2="{top + height - 1}"/>')
    return parts, height
