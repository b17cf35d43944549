"""Marks of simulated banks, drawn here: no foreign asset is copied or fetched."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

_MARK = (
    '<rect width="64" height="64" rx="16" fill="{colour}"/>'
    '<path d="M14 27 32 14l18 13v4H14z" fill="#fff"/>'
    '<path d="M19 34h6v12h-6zM29 34h6v12h-6zM39 34h6v12h-6z" fill="#fff"/>'
    '<rect x="14" y="48" width="36" height="4" rx="2" fill="{accent}"/>'
)


def icon(name: str, colour: str, accent: str) -> str:
    """A square SVG mark. ``colour`` and ``accent`` are CSS colours."""
    mark = _MARK.format(colour=colour, accent=accent)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64" '
        f'role="img" aria-label={quoteattr(name)}>{mark}</svg>'
    )


def logo(name: str, colour: str, accent: str) -> str:
    """The mark with the bank's name beside it, as SVG."""
    mark = _MARK.format(colour=colour, accent=accent)
    width = 84 + 17 * len(name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 64" width="{width}" '
        f'height="64" role="img" aria-label={quoteattr(name)}>{mark}'
        f'<text x="78" y="42" font-family="system-ui, sans-serif" font-size="29" '
        f'font-weight="700" fill="{colour}">{escape(name)}</text></svg>'
    )
