"""The files of examples/, moved to ports that are free here."""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples"


def placed(path, port, servers, others=None):
    """The text of an example that listens on `port` instead of 8000, on the ports of `others` (port in
    the example: port here) instead of those, and with the ports of its servers (`servers`, the same
    way) replaced. Fails when one of them is not in it; `port` may be None."""
    text = path.read_text()
    if port is not None:
        here = f'listen "127.0.0.1:{port}"'
        text, count = re.subn(r'^listen "8000"$', here, text, flags=re.M)
        assert count == 1, f"{path} does not listen on 8000"
    for theirs, ours in (others or {}).items():
        here = rf'\1"127.0.0.1:{ours}",'
        text, count = re.subn(rf'^(listen {{\s*)"{theirs}",', here, text, flags=re.M)
        assert count == 1, f"{path} does not listen on {theirs}"
    for theirs, ours in servers.items():
        text, count = re.subn(rf"127\.0\.0\.1:{theirs}\b", f"127.0.0.1:{ours}", text)
        assert count > 0, f"{path} has no server on {theirs}"
    return text
