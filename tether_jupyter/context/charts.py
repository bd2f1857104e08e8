"""Charts, maps and widgets in outputs: what they are in one line, never their data."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

LONGEST = 300
LOOKED_AT = 20_000


def named(data: dict[str, Any], texts: dict[str, str], *, says: bool = True) -> str:
    """Return the line of a bundle that is a chart, a map or a widget; nothing where it is none.

    Parameters
    ----------
    says:
        Whether it may hold what a widget or a title says, which may be data.
    """
    for mime, value in data.items():
        if mime.startswith("application/vnd.jupyter.widget"):
            return f"[widget{said(texts) if says else ''}]"
        if mime.startswith("application/vnd.plotly"):
            return plotly(value, says)
        if mime.startswith(("application/vnd.vegalite", "application/vnd.vega")):
            return vega(mime, value, says)
        if mime.startswith("application/vnd.bokehjs"):
            return "[Bokeh chart]"
        if mime.startswith("application/vnd.holoviews"):
            return "[HoloViews chart]"
        if mime == "application/geo+json":
            return "[GeoJSON map]"
        if mime.startswith(("video/", "audio/")) or mime == "application/pdf":
            return f"[{mime}]"[:100]
    source = texts.get("text/html", "")
    head = source[:LOOKED_AT]
    for sign, name in SIGNS:
        if sign in head:
            return f"[{name}]"
    script = texts.get("application/javascript", "")
    if script and not source:
        return "[Bokeh chart]" if "Bokeh" in script[:LOOKED_AT] else "[JavaScript]"
    return ""


SIGNS = (
    ("leaflet", "map of folium or Leaflet"),
    ("folium", "map of folium or Leaflet"),
    ("plotly-graph-div", "Plotly chart"),
    ("Plotly.newPlot", "Plotly chart"),
    ("bk-root", "Bokeh chart"),
    ("data-root-id", "Bokeh chart"),
    ("vegaEmbed", "Vega chart"),
    ("<video", "video"),
    ("<audio", "audio"),
    ("shap.initjs", "SHAP chart"),
    ("SHAP.", "SHAP chart"),
)


def said(texts: dict[str, str]) -> str:
    """Return what a widget's text says, where it says more than its address."""
    text = " ".join(texts.get("text/plain", "")[:LONGEST].split())
    return f": {text}" if text and " object at 0x" not in text else ""


def short(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("text", "")
    return (
        " ".join(re.sub(r"<[^<>]*>", " ", str(value)[:LONGEST]).split())[:100]
        if isinstance(value, (str, int, float))
        else ""
    )


def plotly(value: Any, says: bool) -> str:
    """Return a Plotly figure's traces by type, and its titles."""
    figure = value if isinstance(value, dict) else {}
    traces = figure.get("data")
    kinds = Counter(
        str(trace.get("type") or "scatter")[:40]
        for trace in (traces if isinstance(traces, list) else [])
        if isinstance(trace, dict)
    )
    layout = figure.get("layout")
    layout = layout if isinstance(layout, dict) else {}
    parts = [", ".join(f"{count} {kind}" for kind, count in kinds.most_common(5))]
    if says and (title := short(layout.get("title"))):
        parts.append(f'title "{title}"')
    for axis in ("xaxis", "yaxis"):
        about = layout.get(axis)
        if isinstance(about, dict) and (title := short(about.get("title"))):
            parts.append(f"{axis[0]} {title}")
    shown = "; ".join(filter(None, parts))
    return f"[Plotly chart{': ' if shown else ''}{shown}]"


def vega(mime: str, value: Any, says: bool) -> str:
    """Return a Vega chart's mark, channels and title."""
    chart = value if isinstance(value, dict) else {}
    layers = next(
        (chart[key] for key in ("layer", "hconcat", "vconcat", "concat") if isinstance(chart.get(key), list)),
        [chart],
    )
    marks = []
    channels: dict[str, str] = {}
    for layer in layers[:10]:
        if not isinstance(layer, dict):
            continue
        mark = layer.get("mark")
        mark = mark.get("type") if isinstance(mark, dict) else mark
        if isinstance(mark, str):
            marks.append(mark[:40])
        encoding = layer.get("encoding")
        for channel, about in list(encoding.items())[:12] if isinstance(encoding, dict) else ():
            if isinstance(about, dict) and isinstance(about.get("field"), str):
                channels.setdefault(str(channel)[:40], about["field"][:40])
    parts = [
        ", ".join(dict.fromkeys(marks)),
        ", ".join(f"{channel} {name}" for channel, name in channels.items()),
    ]
    if says and (title := short(chart.get("title"))):
        parts.append(f'title "{title}"')
    shown = "; ".join(filter(None, parts))
    return f"[{'Vega-Lite' if 'lite' in mime else 'Vega'} chart{': ' if shown else ''}{shown}]"
