# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as Markdown tables, and what became of the targets."""

import statistics
import sys

from bench.subjects import Ours
from bench.waiting import GaveUp


class Table:
    def __init__(self, title, *columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def show(self):
        print(f"### {self.title}\n")
        print("| " + " | ".join(self.columns) + " |")
        print("|" + "|".join(["---"] + ["---:"] * (len(self.columns) - 1)) + "|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")
        print(flush=True)


verdicts = []  # (what, measured, target, word), for summary()


def verdict(what, value, limit, unit="", at_least=False):
    """PASS or over, kept for the summary."""
    good = value >= limit if at_least else value <= limit
    word = "PASS" if good else ("under" if at_least else "over")
    sign = ">=" if at_least else "<="
    shown = f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
    verdicts.append((what, shown + unit, f"{sign} {limit:.0f}{unit}" if limit >= 1000 else f"{sign} {limit:g}{unit}", word))
    return word


def milliseconds(value):
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value * 1000:.0f} ms"


def medians(subjects, rounds, measure):
    """name -> median of measure(subject class); the rounds of all are interleaved. None: it failed."""
    found = {subject: [] for subject in subjects}
    for _ in range(rounds):
        for subject in subjects:
            try:
                found[subject].append(measure(subject))
            except GaveUp as reason:
                print(f"bench: {subject.name}: {reason}", file=sys.stderr)
    return {subject: statistics.median(values) if values else None for subject, values in found.items()}


def ratio_table(title, results, target, what):
    """One row for each result, compared with the floor, which is the first. target: of ours; None: none."""
    table = Table(title, "", "median", "x floor", "target", "")
    floor = next(iter(results.values()))
    for subject, value in results.items():
        if value is None:
            table.add(subject.name, "failed", "", "", "")
            continue
        ratio = value / floor if floor else float("nan")
        cells = ["", ""]
        if issubclass(subject, Ours) and target:
            cells = [f"<= {target:g}", verdict(f"{what} ({subject.name})", ratio, target, " x floor")]
        table.add(subject.name, milliseconds(value), f"{ratio:.2f}", *cells)
    table.show()


def summary():
    table = Table("Targets", "", "measured", "target", "")
    for row in verdicts:
        table.add(*row)
    table.show()
