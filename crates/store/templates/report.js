"use strict";
// Sorts, filters and copies. The page says all it has to say without this.
//
// What is shown is kept behind the # of the address, so that a link to a
// filtered view can be shared: #filter=kfp&verdict=regressed,fixed&sort=-time.
// A plain #pair-3 or #cause-1 opens that row or cause.
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("pairs");
  const tools = byId("tools");
  const rows = [...table.querySelectorAll("tbody.pair")];
  const chips = [...tools.querySelectorAll("[data-verdict]")];
  const heads = [...table.tHead.rows[0].cells];
  const selects = ["target", "team", "group"].filter((name) => tools.elements[name]);
  // What the filter looks at: the row and the names of its cases, not its logs.
  const searched = (row) => [row.rows[0], ...row.querySelectorAll(".cases th")];
  const text = new Map(rows.map((row) => [row, searched(row).map((part) => part.textContent).join(" ").toLowerCase()]));

  const number = (words) => Number.parseFloat(words) || 0;
  const cell = (row, index) => row.rows[0].cells[index].textContent.trim();
  const keys = {
    charm: (row) => row.dataset.charm,
    target: (row) => row.dataset.target,
    baseline: (row) => cell(row, 2),
    candidate: (row) => cell(row, 3),
    verdict: (row) => number(row.dataset.gravity),
    cases: (row) => number(cell(row, 5).split("→").pop()),
    time: (row) => number(row.dataset.time),
  };

  let state = { filter: "", verdict: [], target: "", team: "", group: "", sort: "" };

  const read = () => {
    const fields = new URLSearchParams(location.hash.slice(1));
    const field = (name) => fields.get(name) || "";
    state = {
      filter: field("filter"),
      verdict: field("verdict").split(",").filter((key) => chips.some((chip) => chip.dataset.verdict === key)),
      target: field("target"), team: field("team"), group: field("group"),
      sort: keys[field("sort").replace(/^-/, "")] ? field("sort") : "",
    };
  };

  const write = () => {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) {
      if (value.length) fields.set(name, Array.isArray(value) ? value.join(",") : value);
    }
    const hash = fields.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  };

  const matches = (row, words) =>
    (!state.verdict.length || state.verdict.includes(row.dataset.verdict)) &&
    (!state.target || row.dataset.target === state.target) &&
    (!state.team || row.dataset.team === state.team) &&
    (!state.group || row.dataset.groups.split("\n").includes(state.group)) &&
    words.every((word) => text.get(row).includes(word));

  const sorted = () => {
    if (!state.sort) return rows;
    const key = keys[state.sort.replace(/^-/, "")];
    const sign = state.sort.startsWith("-") ? -1 : 1;
    const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    // The rows come in order of gravity, and sorting keeps that among equals.
    return [...rows].sort((a, b) => sign * compare(key(a), key(b)));
  };

  const show = () => {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      row.hidden = !matches(row, words);
      if (!row.hidden) count += 1;
    }
    const order = sorted();
    if (order.some((row, index) => table.tBodies[index] !== row)) table.append(...order);
    const filtered = count < rows.length || words.length > 0 || state.verdict.length > 0;
    byId("shown").textContent = filtered ? `${count} of ${rows.length} shown` : `${rows.length} shown`;
    byId("nothing").hidden = count > 0;
    tools.querySelector(".clear").hidden = !filtered;
    if (tools.elements.filter.value !== state.filter) tools.elements.filter.value = state.filter;
    for (const name of selects) tools.elements[name].value = state[name];
    for (const chip of chips) chip.setAttribute("aria-pressed", state.verdict.includes(chip.dataset.verdict));
    for (const head of heads) {
      const down = state.sort === "-" + head.dataset.sort;
      const up = state.sort === head.dataset.sort;
      if (up || down) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  };

  const set = (change) => {
    Object.assign(state, change);
    write();
    show();
  };
  const clear = () => set({ filter: "", verdict: [], target: "", team: "", group: "" });

  const unfold = (row, open) => {
    row.classList.toggle("open", open);
    row.querySelector(".unfold").setAttribute("aria-expanded", open);
    row.querySelector(".more details").open = open;
  };

  // Opens what a plain fragment names; a filter that hides it is dropped.
  const visit = (id) => {
    const goal = byId(id);
    if (!goal) return false;
    if (goal.classList.contains("pair")) {
      if (goal.hidden) clear();
      unfold(goal, true);
    } else if (goal.tagName === "DETAILS") {
      goal.open = true;
    }
    goal.scrollIntoView({ block: "start" });
    return true;
  };

  const arrive = () => {
    read();
    show();
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) visit(hash);
  };

  const copy = async (button) => {
    const words = button.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      const area = document.createElement("textarea");
      area.value = words;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  document.documentElement.classList.add("js");
  tools.hidden = false;
  for (const button of document.querySelectorAll(".copy, .unfold")) button.hidden = false;
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    // Figures are sorted from the largest first, words and verdicts from the first.
    const first = head.dataset.sort === "time" || head.dataset.sort === "cases" ? "-" : "";
    const name = head.dataset.sort;
    const second = first ? name : "-" + name;
    button.addEventListener("click", () => {
      set({ sort: state.sort === first + name ? second : state.sort === second ? "" : first + name });
    });
  }
  for (const row of rows) {
    const line = row.rows[0];
    line.addEventListener("click", (event) => {
      const chosen = String(getSelection()).length > 0;
      if (event.target.closest("a") || (chosen && !event.target.closest("button"))) return;
      unfold(row, !row.classList.contains("open"));
    });
  }
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", (event) => { event.preventDefault(); clear(); });
  tools.elements.filter.addEventListener("input", (event) => set({ filter: event.target.value }));
  for (const name of selects) {
    tools.elements[name].addEventListener("change", (event) => set({ [name]: event.target.value }));
  }
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      const key = chip.dataset.verdict;
      const on = state.verdict.includes(key);
      set({ verdict: on ? state.verdict.filter((other) => other !== key) : [...state.verdict, key] });
    });
  }
  byId("clear").addEventListener("click", clear);
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) copy(button);
    // A link within the page keeps the filter unless it leads to a hidden row.
    const link = event.target.closest('a[href^="#"]');
    if (link && visit(link.getAttribute("href").slice(1))) event.preventDefault();
  });
  addEventListener("hashchange", arrive);
  arrive();
})();
