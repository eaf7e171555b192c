"""The page: its text, and what a browser makes of it."""

import base64
import hashlib
import html
import io
import json
import re
import subprocess
from html.parser import HTMLParser

import pytest

from auditor.model import Severity
from auditor.reports import html as html_report
from tests.report_examples import TROUBLE, exposure, finding, findings, summary


def page(found=(), counts=None):
    out = io.StringIO()
    found = list(found)
    html_report.REPORT.write(iter(found), counts or summary(found), out)
    return out.getvalue()


def data(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self._inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        """Leave it."""
        self._inside = ""

    def handle_data(self, text):
        """Keep a text that is shown."""
        if self._inside not in ("script", "style"):
            self.words.append(text.strip())

    @property
    def text(self):
        """Return all that is shown, in one line."""
        return " ".join(" ".join(self.words).split())


def test_the_page_asks_for_nothing():
    """No element names anything outside the page, and the policy forbids all but the page's own style and script."""
    text = page(findings(50))
    tags = Reader(text).tags
    assert not [
        tag for tag, _ in tags if tag in ("link", "img", "iframe", "object", "embed", "base", "audio", "video", "form" + "action")
    ]
    named = [attrs[name] for _, attrs in tags for name in ("src", "href", "action", "srcset") if name in attrs]
    assert all(name.startswith("#") for name in named)
    assert not re.search(
        r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|https?://|import\(", re.sub(r"<script type.*?</script>", "", text)
    )
    (policy,) = [
        attrs["content"] for tag, attrs in tags if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    inline = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in inline]
    allowed = f"style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    assert policy == f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def test_no_attribute_is_a_style_or_a_handler():
    """Such attributes would be against the page's own policy."""
    for _, attrs in Reader(page(findings(50))).tags:
        assert not [name for name in attrs if name == "style" or name.startswith("on")]


def test_the_head_states_the_result():
    """Findings by severity, coverage and exit code are there without the script."""
    found = list(findings(120))
    counts = summary(found, **TROUBLE)
    text = Reader(page(found, counts)).text
    assert f"{counts.findings} findings in 5 tables" in text
    assert "Findings at or above low. exit 1" in text
    assert "Scanned with 3 gaps: 12 inputs, 1,234,567 rows, 1.2 GB." in text
    for level in Severity:
        assert f"{counts.by_severity[level.label]} {level.label}" in text
    assert "defaultdb.public.users 2 10,000 5.0 MB 2 of 3 columns INT8 holds no text: id" in text
    assert "exports/users/n3.csv row 18 record has 5 fields, 6 expected" in text


@pytest.mark.parametrize(
    ("changes", "tone", "words"),
    [
        ({}, "good", "No raw tokens found"),
        ({"gaps_total": 1, "exit_code": 4}, "unsure", "Scanned with 1 gap"),
        ({"exit_code": 3, "partial": "interrupted"}, "bad", "Partial report: interrupted"),
    ],
)
def test_clean_and_not_looked_at_never_look_alike(changes, tone, words):
    """Only a run without findings and without gaps is green."""
    text = page(counts=summary(**changes))
    assert f'class="verdict {tone}' in text
    assert words in Reader(text).text


def test_the_chart_has_a_bar_a_table_and_says_it_in_words():
    """Parts of a bar add up to the table's share of the longest bar, and its label holds every number."""
    found = [finding(number) for number in range(6)]
    found += [finding(10 + number, table="t", rule_id="x.y", title="Other", severity=Severity.LOW) for number in range(3)]
    text = page(found)
    bars = re.findall(r"<svg width.*?</svg>", text, re.DOTALL)
    assert [re.search(r'aria-label="(.*?)"', bar)[1] for bar in bars] == [
        "defaultdb.public.users: 6 findings; GitHub personal access token 6",
        "t: 3 findings; Other 3",
    ]
    assert [float(re.search(r'width="([\d.]+)%" height', bar.partition("<rect")[2])[1]) for bar in bars] == [100.0, 50.0]


def test_rows_end_at_the_limit_and_totals_are_said(monkeypatch):
    """The list holds so many rows; how many there are is said."""
    monkeypatch.setattr(html_report, "MOST_ROWS", 20)
    found = list(findings(300))
    text = page(found)
    assert len(data(text)["findings"]) == 20
    assert "Shown are the first 20 of 300, most severe first." in Reader(text).text


def test_the_limit_is_five_thousand():
    """More rows would make the page slow to open."""
    assert html_report.MOST_ROWS == 5_000


def test_a_row_has_its_details():
    """Remedy, gains, evidence and exposures of each finding are in the page's data; shared texts are there once."""
    found = list(findings(100))
    content = data(page(found))
    for row, entry in zip(content["findings"], found, strict=True):
        assert content["remedies"][row["remedy"]] == entry.remedy
        assert content["gains"][row["gains"]] == entry.gains
        assert row["exposures_total"] == entry.exposures_total
        assert len(row["exposures"]) == min(len(entry.exposures), html_report.MOST_EXPOSURES)
    assert len(set(content["remedies"])) == len(content["remedies"])


OWNED = "</script><script>document.body.dataset.owned=1</script><img src=x onerror=document.body.dataset.owned=1>\"'><b>{{7*7}}"


def hostile():
    names = {"table": OWNED, "column": OWNED, "path": OWNED, "title": OWNED, "gains": OWNED, "remedy": f"1. {OWNED}\n    {OWNED}"}
    return finding(**names, exposures=(exposure(uri=OWNED, row_key=OWNED),))


def test_a_hostile_name_is_text():
    """Markup in a name adds no element to the page, in its text or in its data."""
    found = [hostile()]
    tags = [tag for tag, _ in Reader(page(found, summary(found, partial=OWNED))).tags]
    clean = [tag for tag, _ in Reader(page([finding()], summary([finding()], partial="x"))).tags]
    assert tags == clean
    assert data(page(found))["findings"][0]["column"] == OWNED
    assert "49" not in Reader(page(found)).text.replace("{{7*7}}", "")


@pytest.fixture(name="browse")
def browse_fixture(service, tmp_path):
    """Open a page in headless Chromium; return the document after the script, and ``act``, have run."""

    def browse(text, act="", target=""):
        if act:
            # The policy would stop a script that is not the page's own, so the one for the test is opened without it.
            text = re.sub(r"<meta http-equiv.*?>", "", text).replace("</body>", f"<script>{act}</script></body>")
        path = tmp_path / "page.html"
        path.write_text(text, "utf-8")
        command = [
            service("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom", f"{path.as_uri()}{target}",
        ]  # fmt: skip
        done = subprocess.run(command, check=True, capture_output=True, timeout=120)
        return done.stdout.decode("utf-8")

    return browse


def shown(document):
    """Return the severities of the rows of the list, as the browser has them."""
    return re.findall(r'<tr class="row(?: off)?">.*?aria-controls="details-\d+">(\w+)<', document)


@pytest.mark.needs("chromium")
def test_a_browser_runs_no_name(browse):
    """With its policy in force the page shows a hostile finding, opened by its address, and runs none of its names."""
    entry = hostile()
    document = browse(page([entry]), target=f"#{entry.finding_id}")
    assert 'aria-expanded="true"' in document
    assert html.escape(OWNED, quote=False) in document
    assert "data-owned" not in document
    assert "<img" not in document


@pytest.mark.needs("chromium")
def test_the_list_is_paged_filtered_and_sorted(browse):
    """The page shows 50 rows, those of a severity, those with a word, or all in another order."""
    found = list(findings(400))
    text = page(found)
    counts = summary(found).by_severity
    assert len(shown(browse(text))) == 50
    high = shown(browse(text, 'document.querySelector(".tile.high").click()'))
    assert set(high) == {"high"}
    assert len(high) == min(50, counts["high"])
    wanted = found[7]
    search = (
        f'document.getElementById("search").value = "{wanted.finding_id}";'
        'document.getElementById("tools").dispatchEvent(new Event("input"))'
    )
    assert shown(browse(text, search)) == [wanted.severity.label]
    upwards = shown(browse(text, "const b = document.querySelector('[data-sort=severity]'); b.click(); b.click()"))
    assert set(upwards) == {"low"}


@pytest.mark.needs("chromium")
def test_a_row_opens_and_closes(browse):
    """Its button shows what to do, with the SQL apart, and hides it again."""
    text = page([finding()])
    click = 'document.querySelector(".open").click();'
    opened = browse(text, click)
    assert "<pre>ALTER TABLE users DROP COLUMN api_token;</pre>" in opened
    assert 'aria-expanded="true"' in opened
    assert 'aria-expanded="false"' in browse(text, click + click)


@pytest.mark.needs("chromium")
def test_suppressed_findings_are_shown_on_demand(browse):
    """They are hidden at first, and marked when shown."""
    text = page([finding(1), finding(2, suppressed="test data")])
    assert len(shown(browse(text))) == 1
    document = browse(text, 'document.getElementById("suppressed").click()')
    assert len(shown(document)) == 2
    assert "test data" in document
