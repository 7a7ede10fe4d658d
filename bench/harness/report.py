"""Medians, ratios and the tables made of them."""

import statistics


class Results:
    """The samples of one scenario, by the label of the proxy."""

    def __init__(self, scenario, title, baseline):
        self.scenario = scenario
        self.title = title
        self.baseline = baseline
        self.samples = {}
        self.remarks = {}
        self.skipped = {}

    def add(self, label, figures, remarks):
        """Keeps one sample."""
        self.samples.setdefault(label, []).append(figures)
        for remark in remarks:
            known = self.remarks.setdefault(label, [])
            if remark not in known:
                known.append(remark)

    def skip(self, label, reason):
        """Notes why a proxy has no (further) samples."""
        self.skipped[label] = reason

    def median(self, label, key):
        """The median of one figure over the rounds, or None without samples."""
        samples = self.samples.get(label)
        return statistics.median(s[key] for s in samples) if samples else None

    def ratio(self, label, key):
        """The median of a figure by the baseline's median, or None where either is missing.

        A difference that came out negative is noise, and no ratio to be pleased with.
        """
        own, base = self.median(label, key), self.median(self.baseline, key)
        if own is None or base is None or own < 0 or base <= 0:
            return None
        return own / base

    def verdicts(self, label):
        """What came of the scenario's targets for this proxy: one line each."""
        titles = {column.key: column for column in self.scenario.columns}
        lines = []
        for target in self.scenario.targets:
            column = titles[target.key]
            value = (self.ratio if target.as_ratio else self.median)(label, target.key)
            if value is None:
                lines.append(f"{column.title}: not measured")
                continue
            kind = "ratio " if target.as_ratio else ""
            met = "met" if value <= target.limit else "missed"
            shown = f"{value:.2f}" if target.as_ratio else f"{value:.0f}"
            lines.append(f"{column.title}: {kind}{shown}, target at most {target.limit:g}: {met}")
        return lines

    def header(self):
        """The titles of the table's columns."""
        titles = ["proxy"]
        for column in self.scenario.columns:
            titles.append(column.title)
            if column.ratio:
                titles.append(column.ratio)
        return titles

    def rows(self):
        """The table's rows, in the order in which the proxies were first measured."""
        for label in self.samples:
            row = [label]
            for column in self.scenario.columns:
                row.append(f"{self.median(label, column.key):.{column.digits}f}")
                if column.ratio:
                    ratio = self.ratio(label, column.key)
                    row.append("-" if ratio is None else f"{ratio:.2f}")
            yield row

    def notes(self):
        """Lines to stand under the table: skips, remarks."""
        lines = [f"{label} skipped: {reason}" for label, reason in self.skipped.items()]
        for label, remarks in self.remarks.items():
            lines += [f"{label}: {remark}" for remark in remarks]
        return lines

    def spread(self):
        """The largest relative distance between two samples of one proxy's main figure."""
        key = self.scenario.targets[0].key if self.scenario.targets else "total"
        widths = []
        for samples in self.samples.values():
            values = [s[key] for s in samples]
            middle = statistics.median(values)
            if len(values) > 1 and middle:
                widths.append((max(values) - min(values)) / middle)
        return max(widths, default=None)

    def as_json(self):
        """All samples and their medians."""
        keys = [column.key for column in self.scenario.columns]
        return {
            "scenario": self.scenario.name,
            "title": self.title,
            "samples": self.samples,
            "medians": {
                label: {key: self.median(label, key) for key in keys} for label in self.samples
            },
            "ratios": {
                label: {key: self.ratio(label, key) for key in keys} for label in self.samples
            },
            "skipped": self.skipped,
            "remarks": self.remarks,
        }


def render(results, markdown):
    """One scenario's table with its notes, as plain text or Markdown."""
    table = [results.header(), *results.rows()]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    edge, bar = ("| ", " | ") if markdown else ("", "  ")
    lines = []
    for number, row in enumerate(table):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(edge + bar.join(cells) + edge[::-1])
        if number == 0:
            rule = [
                "-" * (width - 1) + (":" if markdown and i > 0 else "-")
                for i, width in enumerate(widths)
            ]
            lines.append(edge + bar.join(rule) + edge[::-1])
    notes = results.notes()
    spread = results.spread()
    if spread is not None:
        notes.append(f"samples of one proxy differ by up to {spread:.0%} of their median")
    for label in results.samples:
        if label == "hapax":
            notes += [f"hapax: {line}" for line in results.verdicts(label)]
    bullet = "- " if markdown else "  "
    head = f"### {results.title} (`{results.scenario.name}`)\n" if markdown else (
        f"{results.title} [{results.scenario.name}]"
    )
    parts = [head, *(lines if len(table) > 1 else ["(nothing measured)"])]
    if markdown:
        parts.append("")
    return "\n".join([*parts, *(bullet + note for note in notes)]).rstrip() + "\n"
