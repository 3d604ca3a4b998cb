"""The house style of pictures, and matplotlib's SVG made fit to stand inside a page.

Colours in pictures are tokens that become CSS variables, so that one picture serves light and dark. Text
stays text in the page's font; nothing in a picture refers to anything outside of it.
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
    axes = figure.add_axes((14 / WIDTH, below / height, 1 - 28 / WIDTH, rows * pitch / height))
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
    svg = re.sub(r' d="([^"]*)"', _path, svg)
    svg = re.sub(r"([0-9]+\.[0-9]{2})[0-9]+", r"\1", svg)
    svg = re.sub(r'(style="[^"]*")', lambda found: re.sub(r"([:;]) ", r"\1", found.group(1)), svg)
    svg = re.sub(r"<g/>\s*", "", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    head = f'<svg {view.group(0) if view else ""} role="img" aria-label="{escape(label)}">\n'
    return head + svg[svg.index(">") + 1 :].lstrip()


def _path(found: re.Match[str]) -> str:
    """To a tenth of a pixel, each point relative to the one before, lines to the side and down by one figure:
    a third of the size. A path with other than straight lines is left as it is."""
    words = found.group(1).split()
    if not set(words[0::1]) & {"M", "L"} or set(filter(str.isalpha, words)) - {"M", "L", "z"}:
        return f' d="{" ".join(words)}"'
    text, at, index, last = "", (0, 0), 0, ""
    while index < len(words):
        command = words[index]
        if command == "z":
            text, index, last = text + "z", index + 1, "z"
            continue
        point = (round(float(words[index + 1]) * 10), round(float(words[index + 2]) * 10))
        across, down = point[0] - at[0], point[1] - at[1]
        if command == "M":
            step, figures, last = "M", [point[0], point[1]], "M"
        elif down == 0:
            step, figures = "h" if last != "h" else "", [across]
            last = "h"
        elif across == 0:
            step, figures = "v" if last != "v" else "", [down]
            last = "v"
        else:
            step, figures = "l" if last != "l" else "", [across, down]
            last = "l"
        for number, figure in enumerate(figures):
            one = _tenth(figure)
            text += (
                ("" if (step and number == 0) or one.startswith("-") else " ") + one
                if step == "" or number
                else (step + one)
            )
        at, index = point, index + 3
    return f' d="{text}"'


def _tenth(tenths: int) -> str:
    return f"{tenths / 10:.1f}".removesuffix(".0")


def styles_as_classes(page: str) -> tuple[str, str]:
    """The page with the styles of its pictures as classes, and the CSS that says what those are."""
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return f' class="{names.setdefault(found.group(1), f"p{len(names)}")}"'

    def picture(found: re.Match[str]) -> str:
        return re.sub(r' style="([^"]*)"', name, found.group(0))

    page = re.sub(r"<svg .*?</svg>", picture, page, flags=re.DOTALL)
    return page, "\n".join(f".{short}{{{rules}}}" for rules, short in names.items())
