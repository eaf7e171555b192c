"""What holds for the repository as a whole."""

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

import auditor
from tools import generated, reference, schemas

ROOT = Path(__file__).parent.parent


@cache
def tracked() -> dict[str, str]:
    """Read the text of every file of the repository, new ones included, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    texts = {}
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            texts[name] = data.decode("utf-8")
    return texts


def places(pattern: str, *, flags: int = 0, outside: str = r"\.ci/azurite/package-lock\.json") -> list[str]:
    """Find a pattern in the repository, as path:line."""
    wanted, left_out = re.compile(pattern, flags), re.compile(outside)
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        for name, text in tracked().items()
        if not left_out.fullmatch(name)
        for match in wanted.finditer(text)
    ]


def test_the_schemas_are_current():
    """schemas/ holds what the types say; `make schemas` brings it up to date."""
    assert generated.stale(schemas.FOLDER, schemas.texts()) == []


def test_the_reference_is_current():
    """docs/reference/ holds what the program says of itself; `make docs` brings it up to date."""
    assert generated.stale(reference.FOLDER, reference.texts()) == []


def test_every_command_that_is_shown_exists():
    """Each `auditor VERB --option` in the pages is one that the program has."""
    known = tracked()["docs/reference/cli.md"]
    for name, text in tracked().items():
        if not name.endswith(".md") or name.startswith("docs/reference/"):
            continue
        for verb, rest in re.findall(r"\bauditor ((?:scan|rules \w+|baseline \w+|sample)\b)([^\n`&|]*)", text):
            section = known.partition(f"## auditor {verb}\n")[2].partition("\n## ")[0]
            assert section, f"{name}: auditor {verb}"
            unknown = [option for option in re.findall(r"(?<= )--[a-z-]+", rest) if not re.search(rf"{option}\b", section)]
            assert not unknown, f"{name}: auditor {verb} {unknown}"


def test_the_repository_holds_nothing_that_its_own_rules_flag(tmp_path):
    """The auditor finds no secret in its own repository."""
    report, key = tmp_path / "report.jsonl", tmp_path / "key"
    key.write_text("00" * 32)
    options = ["--report", f"jsonl={report}", "--key-file", str(key), "--quiet"]
    scanned = subprocess.run(
        [sys.executable, "-m", "auditor", "scan", *tracked(), *options], cwd=ROOT, check=False, capture_output=True, text=True
    )
    records = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert [(record["rule_id"], record["source"]) for record in records if record["record"] == "finding"] == []
    assert records[-1]["inputs"] == len(tracked()), scanned.stderr


def test_the_program_says_its_version_without_loading_what_it_does_not_need():
    """`auditor --version` and help stay quick: nothing heavy is imported for them."""
    heavy = ("numpy", "pyarrow", "obstore", "hyperscan", "jinja2", "isal", "zstandard", "pydantic", "yaml", "sqlite3")
    code = f"import sys, auditor.cli; sys.exit(' '.join(name for name in {heavy} if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr.strip() == ""


def test_no_file_names_a_place_on_some_machine():
    """No path of the machine that a file was written on is left in the repository."""
    homes = ["/" + name + "/" for name in ("root", "home", "Users", "work")]
    own = [re.escape(f"{place}/") for place in (ROOT, Path.home()) if len(place.parts) > 1]
    assert places(r"(?<![\w.$}~*:-])(?:" + "|".join([*homes, *own]) + r")[\w.]") == []


def test_no_file_names_a_package_registry():
    """Packages are named, never the host that serves them: everyone has a registry of their own."""
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "npm" + "js.org",
        "npm" + "js.com",
        "index." + "crates.io",
        "static." + "crates.io",
        "deb." + "debian.org",
        "repo1." + "maven.org",
    ]
    assert places("|".join(map(re.escape, hosts))) == []


def test_nothing_is_left_unfinished():
    """No mark of unfinished work is in the code, and no test is skipped."""
    marks = "|".join(["TO" + "DO", "FIX" + "ME", "HA" + "CK"])
    assert places(rf"\b(?:{marks})\b") == []
    assert places(r"pytest\." + r"(?:mark\.)?(?:skip|xfail|importorskip)") == []


def test_no_file_is_a_drawer():
    """A file is named for the one thing inside it."""
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
    assert [name for name in tracked() if drawers & set(re.split(r"[/._]", name.lower()))] == []


def test_the_text_speaks_of_the_project_alone():
    """Files speak of the program and its users, not of how or by whom they were written."""
    words = [
        "the " + "lead",
        "the " + "brief",
        r"design" + r"\.md",
        "style-" + "anchors",
        "C" + "EO",
        r"issue " + r"\d+",
        "poly" + "glot",
        "L" + "LM",
    ]
    assert places(rf"\b(?:{'|'.join(words)})\b") == []


def test_imports_keep_to_their_layers():
    """Imports point downwards, siblings are strangers, and each client library stays in its file."""
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    checked = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_the_lock_holds_every_dependency():
    """Each dependency of pyproject.toml is pinned, with hashes, at a version that it allows."""
    project = tomllib.loads(tracked()["pyproject.toml"])
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    for extra in ("bucket", "test", "lint"):
        wanted += project["project"]["optional-dependencies"][extra]
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", tracked()["requirements/lock.txt"], re.MULTILINE))
    for requirement in wanted:
        name, least = re.match(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)", requirement).groups()
        assert numbers(pins[name]) >= numbers(least), requirement


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_the_changelog_begins_with_this_version():
    """CHANGELOG.md tells what is new in the version that is here."""
    assert re.search(r"^## ([\d.]+)", tracked()["CHANGELOG.md"], re.MULTILINE)[1] == auditor.__version__


def test_readme_shows_first_how_to_run_and_how_to_test():
    """The first two commands of README.md are `make run` and `make test`."""
    shown = re.findall(r"^make \w+", tracked()["README.md"], re.MULTILINE)
    assert shown[:2] == ["make run", "make test"]


@pytest.mark.parametrize("name", sorted(name for name in tracked() if name.endswith(".md")))
def test_links_lead_somewhere(name):
    """Every relative link of a page names a file, and its heading if it has one."""
    for target in re.findall(r"\]\(([^)\s]+)\)", tracked()[name]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        there = (ROOT / name).parent / path if path else ROOT / name
        assert there.exists(), target
        if heading:
            assert heading in headings(there.read_text("utf-8")), target


def headings(text: str) -> set[str]:
    """Return the anchors that a page's headings have on the common hosts."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
