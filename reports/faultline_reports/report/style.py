"""The house style of pictures, and matplotlib's SVG made fit to stand inside a page.

Colours in pictures are tokens that become CSS variables, so that one picture serves light and dark. Text
stays text in the page's font; ids are made unique in the page; nothing in a picture refers to the network.
"""

from __future__ import annotations

import io
import re

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

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
    "xtick.major.size": 3,
    "xtick.minor.size": 0,
    "text.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
}


def axes_of_rows(rows: int, pitch: float) -> tuple[Figure, Axes]:
    """An empty picture of `rows` rows, `pitch` pixels each, y running down in pixels, with an x axis
    below."""
    height = rows * pitch + 42
    figure = Figure(figsize=(WIDTH / POINTS, height / POINTS), dpi=POINTS)
    axes = figure.add_axes((14 / WIDTH, 38 / height, 1 - 28 / WIDTH, rows * pitch / height))
    axes.set_ylim(rows * pitch, 0)
    axes.set_yticks([])
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return figure, axes


def embedded(figure: Figure, identity: str, label: str) -> Markup:
    """The figure as SVG for the page: `identity` makes its ids unique, `label` is what it shows, in words."""
    buffer = io.StringIO()
    with matplotlib.rc_context(RC):
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return Markup(_cleaned(buffer.getvalue(), identity, label))


def _cleaned(svg: str, identity: str, label: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL
    )  # now in templates/style.css
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    # Attributes only: text content is escaped by matplotlib and holds no quotation mark that ends an
    # attribute.
    svg = (
        re.sub(r'\bid="([^"]*)"', "", svg)
        if "url(#" not in svg and "href=" not in svg
        else _unique(svg, identity)
    )
    svg = re.sub(r"(font: |font-size: )([0-9.]+)px[^;\"]*", r"font-size: \2px", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)  # the page's; newer matplotlib writes it apart
    for token, variable in VARIABLES.items():
        svg = svg.replace(f": {token}", f": var({variable})")
    svg = re.sub(r"([0-9]+\.[0-9]{2})[0-9]+", r"\1", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    head = f'<svg {view.group(0) if view else ""} role="img" aria-label="{escape(label)}">'
    return head + svg[svg.index(">") + 1 :]


def _unique(svg: str, identity: str) -> str:
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{identity}-\1"', svg)
    svg = re.sub(r'(?:xlink:)?href="#([^"]*)"', rf'href="#{identity}-\1"', svg)
    return re.sub(r"url\(#([^)]*)\)", rf"url(#{identity}-\1)", svg)
