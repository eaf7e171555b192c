"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const PER_PAGE = 50;
  const SEVERITIES = ["info", "low", "medium", "high", "critical"];
  const CONFIDENCES = ["low", "medium", "high", "confirmed-format", "confirmed-live"];

  // Every text goes into the page as text: no name from a database is ever read as HTML.
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }
  const times = (count) => (count === 1 ? "once" : `${number(count)} times`);
  const isolated = (text, css = "") => element("bdi", css ? { class: css } : {}, text);
  const number = (value) => value.toLocaleString("en-US");

  // ---- theme: auto, light or dark; remembered where the browser lets a page remember
  const root = document.documentElement;
  const remembered = { get: () => { try { return localStorage.getItem("auditor-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("auditor-theme", value); } catch { /* a page opened from a file may have no storage */ } } };
  function setTheme(name) {
    if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name;
    byId("theme-name").textContent = name;
    remembered.set(name);
  }
  const themes = ["auto", "light", "dark"];
  setTheme(themes.includes(remembered.get()) ? remembered.get() : "auto");
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", () => setTheme(themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % 3]));

  if (!data.findings.length) return;

  // ---- the list
  const findings = data.findings;
  for (const [index, finding] of findings.entries()) {
    finding.index = index;
    finding.place = [finding.table, finding.column, finding.path].join(" ");
    finding.found = [finding.place, finding.title, finding.rule_id, finding.kind, finding.finding_id, finding.secret_id, finding.policy_id ?? "",
      ...finding.exposures.map((exposure) => `${exposure.uri} ${exposure.row_key}`)].join("\n").toLowerCase();
  }
  const KEYS = {
    severity: (finding) => SEVERITIES.indexOf(finding.severity),
    confidence: (finding) => CONFIDENCES.indexOf(finding.confidence),
    occurrences: (finding) => finding.occurrences,
    title: (finding) => finding.title,
    place: (finding) => finding.place,
    source: (finding) => (finding.source ? `${finding.source.uri} ${String(finding.source.row).padStart(20, "0")}` : ""),
  };
  const filters = { search: byId("search"), severity: byId("severity"), table: byId("table"), rule: byId("rule"), suppressed: byId("suppressed") };
  const tiles = [...document.querySelectorAll(".tile")];
  const body = document.querySelector("#list tbody");
  const opened = new Set();
  let order = { key: "", down: false };
  let page = 0;
  let matching = [];

  function fill(select, values) {
    for (const [value, label] of values) select.append(element("option", { value }, label));
  }
  fill(filters.table, [...new Set(findings.map((finding) => finding.table))].sort().map((name) => [`=${name}`, name || "(table unknown)"]));
  fill(filters.rule, [...new Map(findings.map((finding) => [finding.rule_id, finding.title]))].sort((a, b) => a[1].localeCompare(b[1]))
    .map(([id, title]) => [`=${id}`, title]));

  function select() {
    const words = filters.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severity = filters.severity.value;
    const table = filters.table.value.slice(1);
    const rule = filters.rule.value.slice(1);
    matching = findings.filter((finding) =>
      (finding.suppressed === null || filters.suppressed?.checked) &&
      (!severity || finding.severity === severity) &&
      (!filters.table.value || finding.table === table) &&
      (!filters.rule.value || finding.rule_id === rule) &&
      words.every((word) => finding.found.includes(word)));
    if (order.key) {
      const key = KEYS[order.key];
      const sign = order.down ? -1 : 1;
      matching.sort((a, b) => {
        const x = key(a), y = key(b);
        return x === y ? a.index - b.index : sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
      });
    }
    for (const tile of tiles) tile.setAttribute("aria-pressed", String(tile.dataset.severity === severity));
    page = 0;
    show();
  }

  function show(all = false) {
    const from = all ? 0 : page * PER_PAGE;
    const shown = all ? matching : matching.slice(from, from + PER_PAGE);
    body.replaceChildren(...shown.flatMap(rows));
    const pages = Math.max(1, Math.ceil(matching.length / PER_PAGE));
    byId("status").textContent = matching.length
      ? `${number(from + 1)} to ${number(from + shown.length)} of ${number(matching.length)} findings` +
        (matching.length < findings.length ? `, ${number(findings.length)} in this report` : "")
      : "No finding matches.";
    byId("pages").hidden = pages === 1;
    byId("page").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page === pages - 1;
  }

  function rows(finding) {
    const id = `details-${finding.index}`;
    const expanded = opened.has(finding.index);
    const button = element("button", { type: "button", class: `open ${finding.severity}`, "aria-expanded": String(expanded), "aria-controls": id }, finding.severity);
    const place = element("td", {}, isolated(finding.column || "(whole row)", "name lead"));
    if (finding.path) place.append(" ", isolated(finding.path, "name"));
    place.append(isolated(finding.table || "(table unknown)", "name sub"));
    const what = element("td", {}, isolated(finding.title, "lead"), isolated(finding.rule_id, "name sub"));
    if (finding.collapsed) what.append(element("span", { class: "sub" }, `the whole column: about ${number(finding.distinct)} secrets`));
    if (finding.suppressed !== null) what.append(element("span", { class: "sub" }, "suppressed: ", isolated(finding.suppressed)));
    const source = element("td", {});
    if (finding.source) {
      source.append(isolated(finding.source.uri, "name"), element("span", { class: "sub" }, `row ${number(finding.source.row)}`, finding.row_key ? `, ${finding.row_key}` : "",
        finding.exposures_total > 1 ? `, ${number(finding.exposures_total - 1)} more` : ""));
    }
    const row = element("tr", { class: finding.suppressed === null ? "row" : "row off" },
      element("td", {}, button), what, place, element("td", { "data-label": "confidence" }, finding.confidence),
      element("td", { class: "number", "data-label": "seen" }, number(finding.occurrences)), source);
    const wide = element("td", { colspan: "6" });
    const details = element("tr", { class: "details", id }, wide);
    details.hidden = !expanded;
    if (expanded) wide.append(describe(finding));
    const toggle = () => {
      const opening = details.hidden;
      if (opening && !wide.hasChildNodes()) wide.append(describe(finding));
      details.hidden = !opening;
      button.setAttribute("aria-expanded", String(opening));
      if (opening) opened.add(finding.index); else opened.delete(finding.index);
    };
    row.addEventListener("click", () => { if (!String(getSelection())) toggle(); });
    return [row, details];
  }

  function describe(finding) {
    const evidence = finding.evidence;
    const facts = [["Shape", `${evidence.redacted} ${number(evidence.length)} characters, ${evidence.alphabet}`]];
    if (evidence.decoded_by.length) facts.push(["Decoded by", evidence.decoded_by.join(" > ")]);
    facts.push(["Confidence", finding.confidence], ["Kind", finding.kind], ["Seen", times(finding.occurrences)],
      ["First seen", finding.first_seen], ["Last seen", finding.last_seen]);
    if (finding.secret_id) facts.push(["Secret", finding.secret_id]);
    if (finding.policy_id) facts.push(["Policy", finding.policy_id]);
    const list = element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, isolated(value, "name"))]),
      element("dt", {}, "Finding"), element("dd", {}, element("a", { class: "name", href: `#${finding.finding_id}` }, finding.finding_id)));
    const exposures = element("ul", { class: "exposures" }, ...finding.exposures.map((exposure) => element("li", {},
      isolated(exposure.uri, "name"), element("span", { class: "muted" },
        `, row ${number(exposure.row)}${exposure.row_key ? `, ${exposure.row_key}` : ""}, ${exposure.past_value ? "past value" : exposure.part}, seen ${times(exposure.count)}` +
        (exposure.updated ? `, updated ${exposure.updated}` : "")))));
    if (finding.exposures_total > finding.exposures.length) {
      exposures.append(element("li", { class: "muted" }, `and ${number(finding.exposures_total - finding.exposures.length)} more`));
    }
    return element("div", { class: "detail-grid" },
      element("div", {}, element("h4", {}, "An attacker gets"), element("p", {}, isolated(data.gains[finding.gains])),
        element("h4", {}, "Evidence"), list, element("h4", {}, "Exposures"), exposures),
      element("div", {}, element("h4", {}, "What to do"), ...steps(data.remedies[finding.remedy])));
  }

  // A remedy is numbered prose, with SQL in the lines that begin with four spaces.
  function steps(remedy) {
    const parts = [];
    for (const line of remedy.split("\n")) {
      const sql = line.startsWith("    ");
      if (!parts.length || parts.at(-1).sql !== sql || /^\d+\. /.test(line)) parts.push({ sql, lines: [] });
      parts.at(-1).lines.push(sql ? line.slice(4) : line.trim());
    }
    return parts.map(({ sql, lines }) => (sql ? statement(lines.join("\n")) : element("p", { class: "steps" }, lines.join(" "))));
  }

  function statement(text) {
    const code = element("pre", {}, text);
    const copy = element("button", { type: "button", class: "quiet copy" }, "Copy");
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        copy.textContent = "Selected";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    return element("div", { class: "sql" }, element("div", {}, "SQL", copy), code);
  }

  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      const key = button.dataset.sort;
      const numeric = ["severity", "confidence", "occurrences"].includes(key);
      order = { key, down: order.key === key ? !order.down : numeric };
      for (const header of document.querySelectorAll("#list th")) header.setAttribute("aria-sort", "none");
      button.parentElement.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      select();
    });
  }
  for (const tile of tiles) {
    tile.addEventListener("click", () => {
      const severity = tile.dataset.severity;
      filters.severity.value = filters.severity.value === severity ? "" : severity;
      select();
    });
  }
  const tools = byId("tools");
  tools.addEventListener("input", select);
  tools.addEventListener("submit", (event) => event.preventDefault());
  function clear() {
    for (const name of ["search", "severity", "table", "rule"]) filters[name].value = "";
    if (filters.suppressed) filters.suppressed.checked = false;
  }
  byId("clear").addEventListener("click", () => { clear(); select(); });
  const turn = (by) => { page += by; show(); byId("findings").scrollIntoView(); };
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  addEventListener("beforeprint", () => show(true));
  addEventListener("afterprint", () => show());
  for (const id of ["tools", "status", "list"]) byId(id).hidden = false;
  select();

  // report.html#fnd_... opens that finding, so that a ticket can point at it.
  function openTarget() {
    const finding = findings.find((candidate) => candidate.finding_id === location.hash.slice(1));
    if (!finding) return;
    clear();
    if (filters.suppressed) filters.suppressed.checked = finding.suppressed !== null;
    opened.add(finding.index);
    select();
    page = Math.floor(matching.indexOf(finding) / PER_PAGE);
    show();
    byId(`details-${finding.index}`).previousElementSibling.scrollIntoView();
  }
  addEventListener("hashchange", openTarget);
  openTarget();
})();
