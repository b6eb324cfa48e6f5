"""What the documents show works."""

import pathlib
import re
import shutil

import pytest

from harness.certificates import Authority
from harness.proxy import run

ROOT = pathlib.Path(__file__).resolve().parents[1]


def put_certificates(text, folder, issued):
    """Writes the files of certificates and keys that a configuration names beside itself."""
    for name in re.findall(r'"([\w-]+(?:\.pem|\.crt|\.key|/))"', text):
        if name.endswith("/"):
            (folder / name).mkdir(exist_ok=True)
            name += "site.pem"
        ending = pathlib.Path(name).suffix
        (folder / name).write_text(
            pathlib.Path({".key": issued.key, ".crt": issued.certificate}[ending]).read_text()
            if ending != ".pem"
            else issued.text
        )


@pytest.mark.parametrize("document", ["README.md", "docs/lua.md", "docs/tls.md"])
def test_the_configurations_in_a_document_are_in_order(document, tmp_path):
    blocks = re.findall(r"^```lua\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)
    assert blocks
    issued = Authority(tmp_path / "authority").issue("example.com")
    for block in blocks:
        path = tmp_path / "rsp.lua"
        path.write_text(block)
        put_certificates(block, tmp_path, issued)
        result = run("check", path)
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("examples/**/*.lua")), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_an_example_is_in_order(path, tmp_path):
    copy = shutil.copytree(path.parent, tmp_path / "copy") / path.name
    put_certificates(path.read_text(), copy.parent, Authority(tmp_path / "authority").issue("a.test"))
    result = run("check", copy)
    assert result.returncode == 0, result.stdout


def test_the_links_of_the_documents_lead_somewhere():
    documents = [
        path for folder in ("", "docs/**/", "examples/**/") for path in ROOT.glob(f"{folder}*.md")
    ]
    assert not [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]
