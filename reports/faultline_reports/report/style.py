"""The house style of pictures, and matplotlib's SVG made fit to stand inside a page.

Colours in pictures are tokens that become CSS variables, so that one picture serves light and dark. Text
stays text in the page's font; nothing in a picture refers to anything outside of it.
"""

from __future__ import annotations

import io
import re
from collections import Counter

import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from faultline_reports.report.svg import merged, path

# Tokens, and the CSS variables they become: defined for light and dark in templates/style.css.
INK = "#010203"
MUTED = "#010204"
LINE = "#010205"
DOT = "#010206"
BAND = "#010207"
MARK = "#010208"
SHADE = "#010209"
PAGE = "#01020a"
# Kinds side by side, in an order in which neighbours differ in lightness too: Okabe and Ito 2008.
KINDS = ("#01020b", "#01020c", "#01020d", "#01020e", "#01020f", "#010210", "#010211", "#010212")
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    DOT: "--dot",
    BAND: "--band",
    MARK: "--mark",
    SHADE: "--shade",
    PAGE: "--page",
    **{token: f"--k{number}" for number, token in enumerate(KINDS, 1)},
}

WIDTH = 360  # of a picture, in CSS pixels at natural size: readable without zoom on the narrowest phone
SIDE = 14.0  # left and right of the data in a picture of rows
POINTS = 72  # matplotlib's SVG unit is 1/72 inch; a figure of WIDTH / 72 inches has WIDTH units
SMALL = 10.0
NORMAL = 11.5

RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "faultline",
    "text.parse_math": False,  # a name with two dollar signs is a name
    "path.simplify": False,
    "font.size": NORMAL,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "text.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
}


def axes_of_rows(rows: int, pitch: float, below: float = 38) -> tuple[Figure, Axes]:
    """An empty picture of `rows` rows, `pitch` pixels each, y running down in pixels, with an x axis in the
    `below` pixels under them."""
    height = rows * pitch + below + 4
    figure = Figure(figsize=(WIDTH / POINTS, height / POINTS), dpi=POINTS)
    axes = figure.add_axes((SIDE / WIDTH, below / height, 1 - 2 * SIDE / WIDTH, rows * pitch / height))
    axes.set_ylim(rows * pitch, 0)
    axes.set_yticks([])
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return figure, axes


def embedded(figure: Figure, label: str) -> Markup:
    """The figure as SVG for the page; `label` is what it shows, in words."""
    buffer = io.StringIO()
    with matplotlib.rc_context(RC):
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return Markup(_cleaned(buffer.getvalue(), label))


def _cleaned(svg: str, label: str) -> str:
    """Without what the page has no use for: the prologue, metadata, ids, groups, clipping (nothing is drawn
    outside) and the invisible background. What is left is paths and text."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    # Attributes only: matplotlib escapes text, and no quotation mark in one ends an attribute.
    svg = re.sub(r' clip-path="url\([^)]*\)"', "", svg)
    svg = re.sub(r"<defs>.*?</defs>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[^"]*"', "", svg)
    svg = re.sub(r"</?g>\s*", "", svg)
    svg = re.sub(r'<path d="[^"]*" style="fill: none"/>\s*', "", svg)
    svg = re.sub(r"(font: |font-size: )([0-9.]+)px[^;\"]*", r"font-size: \2px", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)  # the page's; newer matplotlib writes it apart
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    for token, variable in VARIABLES.items():
        svg = svg.replace(f": {token}", f": var({variable})")
    svg = re.sub(r' d="([^"]*)"', lambda found: f' d="{path(found.group(1).split())}"', svg)
    svg = re.sub(r"<[a-z][^>]*>", lambda found: _rounded(found.group(0)), svg)
    svg = re.sub(r"<g/>\s*", "", svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    head = f'<svg {view.group(0) if view else ""} role="img" aria-label="{escape(label)}">\n'
    return head + merged([line.strip() for line in svg[svg.index(">") + 1 :].splitlines()])


def _rounded(tag: str) -> str:
    """A tag with its figures no finer than can be seen, a text's place in whole pixels. Outside of tags
    figures belong to names."""
    tag = re.sub(r' ([xy])="([0-9.]+)"', lambda xy: f' {xy.group(1)}="{round(float(xy.group(2)))}"', tag)
    tag = re.sub(r"([0-9]+\.[0-9]{2})[0-9]+", r"\1", tag)
    return re.sub(r'(style="[^"]*")', lambda found: re.sub(r"([:;]) ", r"\1", found.group(1)), tag)


def styles_as_classes(page: str) -> tuple[str, str]:
    """The page with the styles of its pictures as classes, and the CSS that says what those are."""
    pictures = re.findall(r"<svg .*?</svg>", page, flags=re.DOTALL)
    uses = Counter(rules for drawn in pictures for rules in re.findall(r' style="([^"]*)"', drawn))
    # The shortest names for those that are used most.
    names = {
        rules: f"p{np.base_repr(place, 36).lower()}" for place, (rules, _) in enumerate(uses.most_common())
    }

    def name(found: re.Match[str]) -> str:
        return f' class="{names[found.group(1)]}"'

    def picture(found: re.Match[str]) -> str:
        drawn = re.sub(r' style="([^"]*)"', name, found.group(0))
        # HTML needs no quotation marks around a word, but where a slash would be taken for a part of it.
        drawn = re.sub(r'<path d="([^"]*)" class="(\w+)"/>', r'<path class=\2 d="\1"/>', drawn)
        drawn = re.sub(r'(<g|<text) class="(\w+)"', r"\1 class=\2", drawn)
        return re.sub(r' x="([0-9.]+)" y="([0-9.]+)">', r" x=\1 y=\2>", drawn)

    page = re.sub(r"<svg .*?</svg>", picture, page, flags=re.DOTALL)
    return page, "\n".join(f".{short}{{{rules}}}" for rules, short in names.items())
