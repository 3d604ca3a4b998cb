"use strict";
// Sorting, filter, baseline, theme and saving of samples. The page says everything without it.
(() => {
  const one = (selector, where = document) => where.querySelector(selector);
  const all = (selector, where = document) => [...where.querySelectorAll(selector)];
  const made = (tag, text, properties = {}) => Object.assign(document.createElement(tag), { textContent: text }, properties);
  const kept = {
    get() { try { return localStorage.getItem("faultline-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("faultline-theme", value); } catch { /* a file without storage */ } },
  };

  // Theme: the system's, or the chosen one.
  const themes = ["auto", "light", "dark"];
  const theme = one("#theme");
  const show = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
  };
  let current = themes.includes(kept.get()) ? kept.get() : "auto";
  theme.addEventListener("click", () => {
    current = themes[(themes.indexOf(current) + 1) % themes.length];
    kept.set(current);
    show(current);
  });
  show(current);
  theme.hidden = false;

  // Filter: rows of the first screen's tables, and sections, by workload.
  const tools = one(".tools");
  if (tools) {
    tools.hidden = false;
    const input = one("#filter");
    const status = one("#filtered");
    const rows = all("table.heat[data-metric] .rows tr");
    const sections = all("article.workload");
    const label = (element) => element.dataset.label.toLowerCase();
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const element of [...rows, ...sections]) element.hidden = !label(element).includes(wanted);
      const left = sections.filter((element) => !element.hidden).length;
      status.textContent = wanted ? `${left} of ${sections.length} workloads` : "";
    });
  }

  // Sorting: a column once up, once down, then as it was.
  for (const table of all("table.heat[data-metric]")) {
    const body = one(".rows", table);
    const order = all("tr", body);
    order.forEach((row, index) => { row.dataset.at = index; });
    all("thead th", table).forEach((head, column) => {
      const name = one("span", head) || head;
      const button = made("button", name.textContent, { type: "button", className: "sort", title: name.title });
      name.replaceChildren(button);
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort || "none"];
        all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
        if (next !== "none") head.setAttribute("aria-sort", next);
        const sign = next === "descending" ? -1 : 1;
        const value = (row) => {
          const cell = row.children[column];
          return column === 0 ? row.dataset.label : "v" in cell.dataset ? Number(cell.dataset.v) : Infinity;
        };
        const compared = (a, b) => {
          const [x, y] = [value(a), value(b)];
          if (x === y || next === "none") return a.dataset.at - b.dataset.at;
          if (x === Infinity || y === Infinity) return x === Infinity ? 1 : -1; // without a figure: last
          return sign * (x < y ? -1 : 1);
        };
        body.append(...all("tr", body).sort(compared));
      });
    });
  }

  // The word of a cell's mark, for pointers.
  for (const word of all("table.heat td .hidden")) word.parentElement.title = word.textContent;

  // Baseline: the cells that were worked out for each.
  const choice = one("#baseline");
  const source = one("#alternatives");
  if (choice && source) {
    let words, tables; // unpacked when they are first asked for
    const unpack = async () => {
      const bytes = Uint8Array.from(atob(source.textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      ({ words, tables } = await new Response(stream).json());
    };
    const original = one("option[selected]", choice).value;
    choice.value = original; // a browser may have kept another over a reload
    const first = new Map();
    const cellOf = ([value, detail, word, mark, css, note, order]) => {
      const cell = made("td", "", { className: words[css], title: words[word] });
      if (order !== null) cell.dataset.v = order;
      if (words[mark]) {
        const sign = made("b", words[mark], { className: "mark" });
        sign.ariaHidden = "true";
        cell.append(sign, " ");
      }
      cell.append(made("b", words[value]), made("small", words[detail]));
      if (words[word]) cell.append(made("span", words[word], { className: "hidden" }));
      if (words[note].startsWith("over")) cell.append(made("small", words[note]));
      return cell;
    };
    for (const table of all("table.heat[data-metric]"))
      for (const row of all("tbody tr", table)) first.set(row, all("td", row));
    choice.addEventListener("change", async () => {
      if (!tables) await unpack();
      const name = choice.value;
      for (const table of all("table.heat[data-metric]")) {
        const heat = name === original ? null : tables[name][table.dataset.metric];
        for (const row of all("tbody tr", table)) {
          const cells = !heat ? first.get(row) : row.parentElement.classList.contains("mean") ? heat.mean : heat.rows[row.dataset.at];
          all("td", row).forEach((cell) => cell.remove());
          if (cells) row.append(...(heat ? cells.map(cellOf) : cells));
        }
        all("thead th", table).forEach((head) => {
          head.removeAttribute("aria-sort");
          head.classList.toggle("base", head.dataset.name === name);
        });
      }
      all(".baseline-name").forEach((element) => { element.textContent = name; });
    });
  }

  // Samples: to a file, as they stand or as JSON.
  const fields = (line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, field]) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
  const asJson = (text) => {
    const [head, ...lines] = text.trimEnd().split("\n");
    const names = fields(head).slice(0, head.split(",").length);
    const value = (name, field) => (name === "allocator" ? field : name === "valid" ? field === "1" : field === "" ? null : Number(field));
    return JSON.stringify(lines.map((line) => {
      const found = fields(line);
      return Object.fromEntries(names.map((name, index) => [name, value(name, found[index])]));
    }), null, 1);
  };
  for (const block of all("pre.samples")) {
    const buttons = made("p", "", { className: "save" });
    for (const [kind, type, of] of [["CSV", "text/csv", (text) => text], ["JSON", "application/json", asJson]]) {
      const button = made("button", `Save as ${kind}`, { type: "button" });
      button.addEventListener("click", () => {
        const name = block.dataset.workload.replace(/[^A-Za-z0-9._-]+/g, "_");
        const url = URL.createObjectURL(new Blob([of(block.textContent)], { type }));
        made("a", "", { href: url, download: `${name}.${kind.toLowerCase()}` }).click();
        setTimeout(() => URL.revokeObjectURL(url), 1000);
      });
      buttons.append(button, " ");
    }
    block.before(buttons);
  }
})();
