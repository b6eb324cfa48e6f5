"""The rules of the house, as far as a machine can hold the tree to them."""

import importlib.machinery
import importlib.util
import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SWIFT = [ROOT / "Package.swift", *ROOT.glob("Sources/**/*.swift"), *ROOT.glob("Tests/**/*.swift")]
SOURCES = [path for path in SWIFT if path.is_relative_to(ROOT / "Sources")]
MOST_LINES = 500
MOST_COLUMNS = 100


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


ledger = script("ledger")


def occurrences(pattern, paths=SOURCES):
    """`file:line: text` for each match in the code, comments and string literals apart."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(ledger.code(path.read_text()).split("\n"), 1)
        if re.search(pattern, line)
    ]


def test_there_is_something_to_hold_to_the_rules():
    assert len(SOURCES) > 20


def test_no_swift_file_is_longer_than_500_lines():
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SWIFT}
    assert not {path: lines for path, lines in lengths.items() if lines > MOST_LINES}


def test_no_line_of_code_is_wider_than_100_columns():
    # Comments hold URLs and literals exact texts, which can't always be broken.
    assert not [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"
        for path in SWIFT
        for number, line in enumerate(ledger.code(path.read_text()).split("\n"), 1)
        if len(line) > MOST_COLUMNS
    ]


def test_every_source_file_opens_with_its_role():
    assert not [
        str(path.relative_to(ROOT))
        for path in SWIFT
        if not path.read_text().startswith("// ")
    ]


def test_unchecked_code_is_in_the_ledger():
    found = list(ledger.differences(ledger.committed(), ledger.present()))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("before, now", [(3, 4), (0, 1), (4, 3), (1, 0)])
def test_the_ledger_tells_more_and_less(before, now):
    kind = ("a.swift", "unsafe")
    old, new = ({kind: count} if count else {} for count in (before, now))
    (message,) = ledger.differences(old, new)
    assert f"{before} -> {now}" in message and "scripts/ledger --update" in message


@pytest.mark.parametrize(
    "text, kind, count",
    [
        ("let a = unsafe f(unsafe g)", "unsafe", 2),
        ('// unsafe\nlet a = "unsafe b" /* unsafe */', "unsafe", 0),
        ("unowned(unsafe) let a: B\n@unsafe func f()", "unsafe", 0),
        ("nonisolated(unsafe) var a = 1", "nonisolated(unsafe)", 1),
        ("final class A: @unchecked Sendable {}", "@unchecked", 1),
        ('let a = "//"; try! f()', "try!", 1),
    ],
)
def test_the_ledger_counts_code_only(text, kind, count):
    assert len(re.findall(ledger.KINDS[kind], ledger.code(text))) == count


# A plain task leaves its worker's thread (docs/decisions/0001).
OFF_THE_LOOP = r"\bTask\.(detached|sleep)\b|\bexecutorPreference\b"


def test_no_task_leaves_its_loop():
    assert not occurrences(OFF_THE_LOOP)


@pytest.mark.parametrize(
    "code, forbidden",
    [
        ("Task { await f() }", False),
        ("Task.detached { }", True),
        ("try await Task.sleep(for: .seconds(1))", True),
        ("Task.immediate { }", False),
        ("Task.immediate(executorPreference: loop) { }", True),
        ("Task(executorPreference: loop) { }", True),
        ("let task: Task<Void, Never>", False),
        ("withTaskCancellationHandler { }", False),
    ],
)
def test_the_rule_about_tasks_finds_what_it_should(code, forbidden):
    assert bool(re.search(OFF_THE_LOOP, code)) == forbidden


def test_every_file_that_the_architecture_names_is_there():
    text = (ROOT / "docs" / "architecture.md").read_text()
    names = {name.rpartition("/")[2] for name in re.findall(r"`([\w/+]+\.swift)`", text)}
    assert len(names) > 30
    assert names <= {path.name for path in SWIFT}


def test_every_function_that_the_life_of_a_request_names_is_there():
    text = (ROOT / "docs" / "architecture.md").read_text()
    life = text[text.index("## The life of a request") : text.index("### Where later phases")]
    known = " ".join(path.read_text() for path in SOURCES)
    # Names of files, options and values are no functions: `serve`, `Worker.accept`, `wait(for:)`.
    pattern = r"`(?:[A-Z]\w+\.)?(?!swift`)([a-z]\w+)(?:\([\w:]*\))?`"
    named = set(re.findall(pattern, life))
    values = {"idle", "drain_timeout", "buffering"}
    assert len(named) > 20
    assert not {name for name in named - values if f"func {name}" not in known}


def test_foundation_is_not_imported():
    assert not occurrences(r"^\s*(@\w+(\(.*\))?\s+)*(\w+\s+)?import\s+(\w+\s+)?Foundation")


def drawn():
    """{module: what it imports}, from the picture in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    picture = re.search(r"^```modules\n(.*?)^```", text, re.M | re.S)[1]
    arrows = re.findall(r"^(\w+) ─*► *(.*)$", picture, re.M)
    assert len(arrows) == len(picture.splitlines()), "a line of the picture is no arrow"
    return {module: {name for name in names.split() if name != "-"} for module, names in arrows}


def declared():
    """The same from Package.swift; tests and benchmarks apart."""
    command = ["swift", "package", "dump-package"]
    package = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)

    def name(dependency):
        ((_, (first, *_)),) = dependency.items()
        return first

    return {
        target["name"]: {name(dependency) for dependency in target["dependencies"]}
        for target in package["targets"]
        if target["type"] != "test"
        and not target.get("path", "").startswith(("Tests/", "Benchmarks/"))
    }


def test_the_modules_depend_on_each_other_as_the_picture_says():
    assert declared() == drawn()
