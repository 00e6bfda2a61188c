# SPDX-License-Identifier: BSD-2-Clause
"""A run's figures for the reader: as a table on the terminal, as one in Markdown, as a picture."""

import statistics

from result import DIRECTION, NOISE, number, spread

BAR = 16  # pixels
WIDEST = 4.0  # a ratio beyond it is cut
# Of the guest on each side, in the Markdown's list of conditions.
SHOWN = ("kernel", "cmdline", "memory", "vcpus", "isolation", "seeded")


def median(values):
    return number(statistics.median(values)) if values else ""


def by_part(figures):
    """[(part, its figures)], in the order of their appearance."""
    parts = {}
    for figure in figures:
        parts.setdefault(figure.part, []).append(figure)
    return parts.items()


def label(figure):
    return figure.name + (f", {figure.unit}" if figure.unit else "")


def print_table(figures):
    print(f"{'':60} {'ours':>9} {'range':>15} {'on QEMU':>9} {'ratio':>6} {'noise':>6} "
          f"{'faster':>16} {'reference':>9}")
    for part, rows in by_part(figures):
        print(f"\n{part}")
        for row in rows:
            print(f"  {label(row):58} {number(row.median):>9} {spread(row.ours):>15} "
                  f"{median(row.beside):>9} {number(row.ratio):>6} {number(row.noise):>6} "
                  f"{row.verdict:>16} {number(row.reference):>9}")
    print(f"\nRatio: {DIRECTION}.\nNoise: {NOISE}.")


def markdown_row(figure):
    span = f" ({spread(figure.ours)})" if spread(figure.ours) else ""
    return (f"| {label(figure)} | {number(figure.median)}{span} | {median(figure.beside)} | "
            f"{number(figure.ratio)} | {number(figure.noise)} | {figure.verdict} | "
            f"{number(figure.reference)} |")


def markdown_sides(sides):
    """The conditions of each comparison, once where several have the same."""
    lines = {}
    for each in sides:
        guest = each["ours"]["guest"]
        said = "; ".join(f"{key} `{guest[key] or 'none'}`" for key in SHOWN) if guest else "a bare guest"
        machines = " and ".join(f"`{each[side]['qemu']['machine']}`, {each[side]['qemu']['memory_of_machine']}"
                                for side in ("ours", "direct"))
        lines.setdefault(f"{said}; machines {machines}", []).append(each["what"])
    return [f"- {', '.join(what)}: {said}" for said, what in lines.items()]


def write_markdown(figures, path, conditions, sides, failures):
    lines = [", ".join(f"{key} {value}" for key, value in conditions.items()) + ".", "",
             f"Ratio: {DIRECTION}; the median of the rounds' ratios. Noise: {NOISE}. `faster` says which side "
             "is, where the ratio lies beyond the noise.", "",
             "| what | ours (range) | on QEMU | ratio | noise | faster | reference |",
             "|---|---|---|---|---|---|---|"]
    for part, rows in by_part(figures):
        lines += [f"| **{part}** | | | | | | |", *map(markdown_row, rows)]
    lines += ["", "Conditions, equal on both sides:", "", *markdown_sides(sides)]
    lines += ["", "Not measured:", "", *(f"- {failure}" for failure in failures)] if failures else []
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join([*lines, ""]))


def bar(x, y, ratio, colour):
    width = min(ratio, WIDEST) * 100
    return (f'<rect x="{x}" y="{y}" width="{width:.0f}" height="{BAR // 2 - 1}" fill="{colour}"/>'
            f'<text x="{x + width + 4:.0f}" y="{y + 7}" font-size="8">{ratio:.2f}</text>')


def write_svg(figures, path):
    """A bar for each ratio; the line is 1, where ours is as good."""
    shown = [f for f in figures if f.ratio or f.to_reference]
    height = (len(shown) + 4) * BAR
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{height}" '
             'font-family="sans-serif" font-size="11">',
             f'<text x="10" y="{BAR}">Ours by the same guest directly on QEMU (blue; light within the '
             'noise) and by the reference (grey): shorter is better, the line is 1</text>']
    for row, figure in enumerate(shown, 2):
        y = row * BAR
        lines.append(f'<text x="10" y="{y + 10}">{figure.part}: {figure.name}</text>')
        if figure.ratio:
            colour = "#9bd" if figure.verdict == "within the noise" else "#37a"
            lines.append(bar(490, y, figure.ratio, colour))
        if figure.to_reference:
            lines.append(bar(490, y + BAR // 2, figure.to_reference, "#999"))
    lines.append(f'<line x1="590" y1="{2 * BAR}" x2="590" y2="{height - BAR}" stroke="#c33"/></svg>')
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join([*lines, ""]))
