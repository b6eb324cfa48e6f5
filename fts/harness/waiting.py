"""Waiting for conditions, never for time to pass."""

import time

# Long, since it is only reached by a test that fails; the machine may be busy.
PATIENCE = 10.0


def wait_until(condition, what="the condition", seconds=PATIENCE):
    """Returns the first true value of `condition()`; fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
