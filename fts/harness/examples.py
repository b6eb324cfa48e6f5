"""The files of examples/, moved to ports that are free here."""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples"


def placed(path, port, servers):
    """The text of an example that listens on `port` instead of 8000, with the ports of its servers
    (`servers`: {port in the example: port here}) replaced. Fails when one of them is not in it."""
    here = f'listen "127.0.0.1:{port}"'
    text, count = re.subn(r'^listen "8000"$', here, path.read_text(), flags=re.M)
    assert count == 1, f"{path} does not listen on 8000"
    for theirs, ours in servers.items():
        text, count = re.subn(rf"127\.0\.0\.1:{theirs}\b", f"127.0.0.1:{ours}", text)
        assert count > 0, f"{path} has no server on {theirs}"
    return text
