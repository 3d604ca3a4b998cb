"use strict";
// Sorting, filter, baseline, theme, tooltips and saving of samples. The page says everything without it.
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
    let tables; // unpacked when they are first asked for
    const unpack = async () => {
      const bytes = Uint8Array.from(atob(source.textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const { tables: listed, columns } = await new Response(stream).json();
      const [width, height] = [choice.options.length, all(".rows tr", one("table.heat[data-metric]")).length];
      let at = 0;
      const row = () => Array.from({ length: width }, () => columns.map((column) => column[at]).concat(at++));
      const heat = (hasMean) => ({ mean: hasMean ? row() : null, rows: Array.from({ length: height }, row) });
      tables = new Map(listed.map(([name, heats]) => [name, new Map(heats.map(([metric, hasMean]) => [metric, heat(hasMean)]))]));
    };
    const original = one("option[selected]", choice).value;
    choice.value = original; // a browser may have kept another over a reload
    const first = new Map();
    const cellOf = ([value, detail, word, mark, css, remark, order]) => {
      const cell = made("td", "", { className: css, title: word });
      if (order !== null) cell.dataset.v = order;
      if (mark) {
        const sign = made("b", mark, { className: "mark" });
        sign.ariaHidden = "true";
        cell.append(sign, " ");
      }
      cell.append(made("b", value), made("small", detail));
      if (word) cell.append(made("span", word, { className: "hidden" }));
      if (remark) cell.append(made("small", remark));
      return cell;
    };
    for (const table of all("table.heat[data-metric]"))
      for (const row of all("tbody tr", table)) first.set(row, all("td", row));
    choice.addEventListener("change", async () => {
      if (!tables) await unpack();
      const name = choice.value;
      for (const table of all("table.heat[data-metric]")) {
        const heat = name === original ? null : tables.get(name).get(table.dataset.metric);
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
      all(".libc").forEach((element) => { element.hidden = name !== original; });
    });
  }

  // The figure of a picture that is nearest to the pointer, from the table under it: drawing.py says where each is.
  const side = 14; // style.SIDE
  const spotsOf = (figure) => {
    const [kind, ...words] = figure.dataset.spots.split(" ");
    const table = one("table", figure);
    const heads = all("thead th", table).map((head) => head.textContent);
    const rows = all("tbody tr", table).map((row) => [...row.children].map((cell) => cell.textContent.trim()));
    const unit = figure.dataset.unit ? ` ${figure.dataset.unit}` : "";
    const numbers = words.map(Number);
    const number = (text) => parseFloat(text.replaceAll(",", "").replace("−", "-"));
    const share = (value, low, high, scale) => (scale === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
    const width = one("svg", figure).viewBox.baseVal.width;
    const band = (at, pitch) => ({ top: at * pitch, bottom: (at + 1) * pitch });
    if (kind === "point") return rows.map((row, at) => ({
      x: numbers[2 * at], top: numbers[2 * at + 1], bottom: numbers[2 * at + 1],
      text: [row[0], ...row.slice(1).map((cell, index) => cell && `${heads[index + 1]}: ${cell}`)].filter(Boolean).join("\n"),
    }));
    if (kind === "bar") return rows.map((row, at) => ({
      x: null, ...band(at, numbers[0]), text: [row[0], ...row.slice(1).map((cell, index) => `${heads[index + 1]}: ${cell}`)].join("\n"),
    }));
    return rows.flatMap((row, line) => row.slice(1).map((cell, at) => {
      const value = number(cell);
      if (!Number.isFinite(value) && kind !== "part") return null;
      const text = `${heads[at + 1]}: ${cell}${unit}\n${/^\d/.test(row[0]) ? `${heads[0]}: ${row[0]}` : row[0]}`;
      if (kind === "row") return { x: side + share(value, numbers[1], numbers[2], words[3]) * (width - 2 * side), ...band(at, numbers[0]), text };
      if (kind === "part") {
        const [begin, end] = numbers.slice(1 + 2 * at);
        return cell && { x: begin + ((line + 0.5) / rows.length) * (end - begin), ...band(at, numbers[0]), text };
      }
      const y = numbers[0] + numbers[1] * (1 - Math.max(0, share(value, numbers[2], numbers[3], words[4])));
      return numbers[5 + line] === undefined ? null : { x: numbers[5 + line], top: y, bottom: y, text };
    })).filter(Boolean);
  };
  const tip = made("div", "", { id: "tip", hidden: true });
  tip.ariaHidden = "true"; // the table says the same
  document.body.append(tip);
  const reach = 24; // of a figure, in pixels of a picture
  for (const figure of all("figure[data-spots]")) {
    const svg = one("svg", figure);
    let spots;
    const show = (event) => {
      spots ??= spotsOf(figure);
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const away = (spot) => Math.hypot(spot.x === null ? 0 : spot.x - at.x, Math.max(0, spot.top - at.y, at.y - spot.bottom));
      const nearest = spots.reduce((best, spot) => (!best || away(spot) < away(best) ? spot : best), null);
      tip.hidden = !nearest || away(nearest) > reach;
      if (tip.hidden) return;
      tip.textContent = nearest.text;
      tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 4))}px`;
      tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18}px`;
    };
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

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
