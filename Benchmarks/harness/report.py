"""From numbers to the one table: medians, ratios, and whether each goal is reached.

Ratios are taken within a round, where both sides saw the same machine, and the median of those
is shown; so they need not be the quotient of the two medians beside them to the last digit.
"""

import statistics
from dataclasses import dataclass

from .proxies import BALANCE, NAMES, PEERS, PUMPS, TITLES


@dataclass
class Metric:
    title: str
    form: str
    more_is_better: bool = False
    compared: bool = True  # has ratios


METRICS = {
    "cpu_us": Metric("CPU per request, us", "{:,.1f}"),
    "user_us": Metric("of it user space", "{:,.2f}"),
    "system_us": Metric("of it system", "{:,.1f}"),
    "rps": Metric("requests/s", "{:,.0f}", more_is_better=True),
    "gb_per_cpu_second": Metric("GB per CPU-second", "{:.2f}", more_is_better=True),
    "gb_per_second": Metric("GB per second", "{:.2f}", more_is_better=True),
    "p50_us": Metric("p50, us", "{:,.0f}"),
    "p99_us": Metric("p99, us", "{:,.0f}"),
    "idle_bytes": Metric("user memory, bytes per connection", "{:,.0f}"),
    "idle_all_bytes": Metric("the same with what was there at start", "{:,.0f}"),
    "start_kib": Metric("there at start, KiB", "{:,.0f}", compared=False),
    "others_p50_us": Metric("everyone else's p50, us", "{:,.0f}"),
    "others_p99_us": Metric("everyone else's p99, us", "{:,.0f}"),
    "peak_mib": Metric("own memory at the peak, MiB", "{:,.1f}"),
    "handshakes_per_cpu_second": Metric(
        "handshakes per CPU-second", "{:,.0f}", more_is_better=True),
    "messages_per_cpu_second": Metric("messages per CPU-second", "{:,.0f}", more_is_better=True),
    "sites_us": Metric("more CPU per request by 99,999 sites, us", "{:,.2f}", compared=False),
    "servers_us": Metric("more CPU per request by 9 servers, us", "{:,.2f}", compared=False),
    "routing_us": Metric(
        "more for routing and choosing alone, us", "{:,.2f}", compared=False),
    "added_user_us": Metric("more user time by both, us", "{:,.2f}", compared=False),
    "site_bytes": Metric("memory per site, bytes", "{:,.0f}"),
    "ready_ms": Metric("from its start until it answers, ms", "{:,.0f}"),
    "failed": Metric("requests that failed", "{:,.0f}", compared=False),
    "failed_new": Metric("of them on a new connection", "{:,.0f}", compared=False),
    "max_ms": Metric("longest, ms", "{:,.0f}"),
    "reload_ms": Metric("until a reload is in force, ms", "{:,.0f}"),
} | {
    f"{balance}_p{rank}_ms": Metric(f"{balance.replace('_', ' ')}, p{rank}, ms", "{:,.1f}")
    for balance in BALANCE for rank in (50, 99)
}


@dataclass
class Goal:
    """`against` is "best peer", the name of a proxy, or None for the plain number."""
    case: str
    metric: str
    against: str
    limit: float

    def text(self):
        sign = ">=" if METRICS[self.metric].more_is_better else "<="
        if self.against is None:
            return f"{sign} {self.limit:g}"
        return f"{sign} {self.limit:.2f} of {TITLES.get(self.against, self.against)}"

    def reached(self, value):
        # As the table prints it: what differs by less than half a per cent is the same.
        value = round(value, 2)
        return value >= self.limit if METRICS[self.metric].more_is_better else value <= self.limit


GOALS = [
    Goal("small", "cpu_us", "best peer", 0.82),
    Goal("small", "cpu_us", "pump", 1.10),
    Goal("small", "user_us", None, 1.3),
    Goal("one", "p50_us", "best peer", 1.0),
    Goal("rate", "p50_us", "best peer", 1.0),
    Goal("new", "cpu_us", "best peer", 0.94),
    Goal("16k", "cpu_us", "best peer", 0.75),
    Goal("1m", "gb_per_cpu_second", "haproxy-splice", 1.0),
    Goal("64m", "gb_per_cpu_second", "best peer", 1.1),
    Goal("upload", "gb_per_cpu_second", "haproxy-splice", 1.0),
    Goal("idle", "idle_bytes", "nginx", 1.0),
    Goal("slow", "others_p99_us", "haproxy", 1.0),
    Goal("slow", "peak_mib", None, 60),
    Goal("websocket", "messages_per_cpu_second", "best peer", 1.0),
    Goal("balance", "p2c_p99_ms", "best peer", 1.0),
    Goal("balance", "least_connections_p99_ms", "best peer", 1.0),
    Goal("sites", "routing_us", None, 0.3),
    Goal("sites", "site_bytes", None, 1024),
    Goal("sites", "ready_ms", None, 2000),
    Goal("reload", "failed", None, 0),
    Goal("tls", "cpu_us", "best peer", 0.92),
    Goal("handshake", "handshakes_per_cpu_second", "nginx", 0.97),
    Goal("resumed", "handshakes_per_cpu_second", "nginx", 0.97),
    Goal("tls64m", "gb_per_cpu_second", "nginx", 1.0),
    Goal("passthrough", "gb_per_cpu_second", "best peer", 1.0),
    Goal("tlsidle", "idle_bytes", None, 10_240),
]


class Results:
    """The rounds of one case: {proxy: [numbers]}."""

    def __init__(self, case, rounds):
        self.case, self.rounds = case, rounds

    def problems(self, name):
        """What went wrong, each sentence once."""
        return list(dict.fromkeys(p for run in self.rounds.get(name, []) for p in run["problems"]))

    def measured(self, name, metric=None):
        """Whether there are numbers; of a metric that not all proxies have, whether this one."""
        runs = self.rounds.get(name)
        return (bool(runs) and not self.problems(name)
                and (metric is None or all(metric in run for run in runs)))

    def values(self, name, metric):
        return [run[metric] for run in self.rounds[name]]

    def metrics(self):
        runs = [run for name in self.rounds if self.measured(name) for run in self.rounds[name]]
        return [metric for metric in METRICS if any(metric in run for run in runs)]

    def median(self, name, metric):
        if metric in ("user_us", "system_us"):
            # The user's share is counted in timer ticks, a few hundred a round: pool them.
            ticks = [run["raw"] for run in self.rounds[name]]
            share = sum(r["tick_user_ns"] for r in ticks) / max(
                1, sum(r["tick_all_ns"] for r in ticks))
            return self.median(name, "cpu_us") * (share if metric == "user_us" else 1 - share)
        return statistics.median(self.values(name, metric))

    def best(self, names, metric):
        """The one of `names` that does best, or None when none was measured."""
        names = [name for name in names if self.measured(name, metric)]
        choose = max if METRICS[metric].more_is_better else min
        return choose(names, key=lambda name: self.median(name, metric), default=None)

    def ratio(self, metric, against):
        """rsp's number by another's, or None when one of them was not measured.

        `against` is the name of a proxy, "best peer" or "pump", the better of the two pumps.
        """
        groups = {"best peer": PEERS, "pump": PUMPS}
        against = self.best(groups.get(against, [against]), metric)
        if against is None or not self.measured("rsp", metric) or not self.measured(against, metric):
            return None
        if metric in ("user_us", "system_us"):
            theirs = self.median(against, metric)
            return self.median("rsp", metric) / theirs if theirs > 0 else None
        pairs = zip(self.values("rsp", metric), self.values(against, metric))
        ratios = [ours / theirs for ours, theirs in pairs if theirs > 0]
        return statistics.median(ratios) if ratios else None

    def verdict(self, goal):
        if goal.against is None:
            measured = self.measured("rsp", goal.metric)
            value = self.median("rsp", goal.metric) if measured else None
        else:
            value = self.ratio(goal.metric, goal.against)
        if value is None:
            return f"{goal.text()}: not measured"
        return f"{goal.text()}: {'pass' if goal.reached(value) else '**FAIL**'}"


def table(all_results):
    """The whole table, in Markdown."""
    names = [n for n in NAMES if any(n in results.rounds for results in all_results)]
    heads = ["case", "", *[TITLES[n] for n in names], "rsp / best peer", "rsp / pump", "goal"]
    rows = [heads, ["---", "---", *["---:"] * (len(names) + 2), "---"]]
    for results in all_results:
        title = results.case.title
        metrics = results.metrics()
        failed = [n for n in names if results.problems(n)]
        for metric in metrics:
            rows.append([title, METRICS[metric].title,
                         *[_cell(results, name, metric) for name in names],
                         *_ratios(results, metric),
                         "; ".join(results.verdict(g) for g in GOALS
                                   if (g.case, g.metric) == (results.case.name, metric))])
            title = ""
        if not metrics and failed:
            rows.append([title, "", *["FAILED" if n in failed else "" for n in names], "", "", ""])
    return _aligned(rows)


def _ratios(results, metric):
    if not METRICS[metric].compared:
        return ["", ""]
    return [_ratio(results.ratio(metric, against)) for against in ("best peer", "pump")]


def _ratio(value):
    return "" if value is None else f"{value:.2f}"


def _cell(results, name, metric):
    if name not in results.rounds:
        return ""
    if results.problems(name):
        return "FAILED"
    if not results.measured(name, metric):
        return ""
    return METRICS[metric].form.format(results.median(name, metric))


def _aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths)):
            right = 2 <= column < len(row) - 1
            if number == 1:
                cell = "-" * (width - 1) + ":" if right else "-" * width
            cells.append(cell.rjust(width) if right else cell.ljust(width))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def repeated(all_results):
    """How much of the runs on a timetable the hypervisor took, if there were any."""
    runs = [run for results in all_results for rounds in results.rounds.values()
            for run in rounds if "stolen" in run]
    if not runs:
        return []
    again, worst = sum(run["attempts"] - 1 for run in runs), max(run["stolen"] for run in runs)
    return [f"Runs on a timetable: {len(runs)}, and {again} more that were made again because the "
            f"hypervisor had taken too much of the machine. Of those that count it took {worst:.1%} "
            "at most."]


def failures(all_results):
    """A line for each proxy that failed a case."""
    return [f"FAILED: {results.case.title}, {TITLES[name]}: {'; '.join(results.problems(name))}"
            for results in all_results for name in results.rounds if results.problems(name)]


def tally(all_results):
    """How many of the goals that were measured are reached."""
    by_case = {results.case.name: results for results in all_results}
    verdicts = [by_case[g.case].verdict(g) for g in GOALS if g.case in by_case]
    passed = sum(v.endswith("pass") for v in verdicts)
    failed = sum(v.endswith("**FAIL**") for v in verdicts)
    unknown = len(verdicts) - passed - failed
    return f"Goals: {passed} reached, {failed} missed, {unknown} not measured."
