"""Runs in which the hypervisor left the machine to us.

A virtual machine's processors are taken away from it now and then, for milliseconds. A latency measured
meanwhile is the neighbours', whichever proxy it befalls: the p99 of one proxy was 1.4 ms and 13 ms in two
runs in which 0.5 % and 7 % of the time had been taken. So a run whose latency counts is made again.
"""

import os
import time

ATTEMPTS = 6
MOST = 0.004  # of the machine's time, within one run; a tick of 10 ms in 1.3 s of two processors


def machine_seconds(path="/proc/stat"):
    """What all processors have spent, in the order of proc(5): user, nice, system, idle, iowait, irq,
    softirq, steal."""
    with open(path, encoding="ascii") as lines:
        return [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in lines.readline().split()[1:9]]


def stolen_seconds(path="/proc/stat"):
    """The time for which processors of this machine had work and were not given to it."""
    return machine_seconds(path)[-1]


def steadiest(run, stolen=stolen_seconds, clock=time.monotonic):
    """The numbers of the first run of which at most `MOST` was stolen, or of the one with the least.

    A run with problems ends it: that is no matter of latency. Numbers get two more: `stolen`, the share
    of the machine's time, and `attempts`.
    """
    best = None
    for attempt in range(1, ATTEMPTS + 1):
        before, began = stolen(), clock()
        numbers = run()
        numbers["stolen"] = (stolen() - before) / (max(1e-3, clock() - began) * os.cpu_count())
        if best is None or numbers["stolen"] < best["stolen"] or numbers["problems"]:
            best = numbers
        best["attempts"] = attempt
        if best["stolen"] <= MOST or numbers["problems"]:
            break
    return best
