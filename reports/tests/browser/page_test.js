// The report's pages in Chromium. PAGES in the environment is the folder that pages.py wrote, CHROMIUM the browser.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { chromium } = require("playwright-core");

const pages = process.env.PAGES;
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf-8");
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(() => browser.close());

// Opens a page with the network off; what it asks for and what it says to the console are kept.
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  await context.setOffline(true);
  const page = await context.newPage();
  const said = [];
  const asked = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  const url = `file://${path.join(pages, `${name}.html`)}`;
  await page.goto(url);
  return { page, said, asked, url, done: () => context.close() };
}

async function with_page(name, options, work) {
  const opened = await open(name, options);
  try {
    return await work(opened.page, opened);
  } finally {
    await opened.done();
  }
}

// Of the site everything but the runs, which are pages as the others.
const files = fs.readdirSync(pages, { recursive: true }).filter((file) => file.endsWith(".html") && !file.startsWith("site/runs"));
const names = files.map((file) => file.slice(0, -5));
const ofSite = names.filter((name) => name.startsWith("site/"));

test("opens from a file with the network off, and says nothing to the console", async () => {
  for (const name of names)
    await with_page(name, {}, async (page, { said, asked, url }) => {
      assert.deepEqual(said, [], name);
      const wanted = name.startsWith("site/") ? [url, `file://${pages}/site/style.css`] : [url];
      assert.deepEqual(asked.filter((entry) => !entry.startsWith("data:")), wanted, name);
    });
});

test("a hostile name is text and runs nothing", async () => {
  await with_page("hostile", {}, async (page, { said }) => {
    assert.deepEqual(said, []);
    assert.equal(await page.locator("script").count(), 3);
    assert.ok((await page.locator("table.heat").first().innerText()).includes("<script>alert(1)</script>"));
    await page.selectOption("#baseline", { index: 1 });
    await page.waitForFunction(() => document.querySelector("#panel-1 .baseline-name").textContent.startsWith("<script>"));
    assert.deepEqual(said, []);
  });
});

test("nothing scrolls sideways at 360 pixels, nor at 1280", async () => {
  for (const width of [360, 1280])
    for (const name of names)
      await with_page(name, { viewport: { width, height: 740 } }, async (page) => {
        await page.evaluate(() => document.querySelectorAll("details").forEach((entry) => (entry.open = true)));
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${name} at ${width}`);
      });
});

test("the first screen holds six rows of the table, on a phone the beginning of the picture", async () => {
  await with_page("many-workloads", {}, async (page) => {
    const shown = await page.locator("#panel-1 .rows tr").evaluateAll((rows) => rows.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length);
    assert.ok(shown >= 6, `${shown} rows`);
  });
  for (const name of ["main", "many-workloads", "long-7"])
    await with_page(name, { viewport: { width: 360, height: 800 } }, async (page) => {
      const { y } = await page.locator(".front svg").boundingBox();
      assert.ok(y < 700, `${name}: at ${y}`);
    });
});

test("why to trust it unfolds, is printed, and another baseline is not called glibc", async () => {
  await with_page("main", { javaScriptEnabled: false }, async (page) => {
    assert.ok(!(await page.locator(".badges li").first().isVisible()));
    await page.locator("summary.trust").click();
    assert.ok(await page.locator(".badges li").first().isVisible());
  });
  await with_page("main", {}, async (page) => {
    const libc = page.locator("#panel-1 .libc");
    assert.equal((await libc.innerText()).trim(), "(glibc 2.36)");
    await page.selectOption("#baseline", "jemalloc");
    await libc.waitFor({ state: "hidden" });
    await page.emulateMedia({ media: "print" });
    assert.ok(await page.locator(".badges li").first().evaluate((entry) => entry.checkVisibility({ contentVisibilityAuto: true }) && entry.getBoundingClientRect().height > 0));
  });
});

const firstColumn = (page) => page.locator("#panel-1 .rows tr:visible th").allInnerTexts();
const column = (page, at) => page.locator(`#panel-1 .rows tr td:nth-child(${at})`).evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.v)));

test("a column sorts up, down, and back", async () => {
  await with_page("main", {}, async (page) => {
    const original = await firstColumn(page);
    const button = page.locator("#panel-1 thead th:nth-child(3) button");
    await button.click();
    const up = await column(page, 3);
    assert.deepEqual(up, [...up].sort((a, b) => a - b));
    assert.equal(await page.locator("#panel-1 thead th:nth-child(3)").getAttribute("aria-sort"), "ascending");
    await button.click();
    assert.deepEqual(await column(page, 3), up.reverse());
    await button.click();
    assert.deepEqual(await firstColumn(page), original);
  });
});

test("the filter leaves what is asked for, in tables and sections", async () => {
  await with_page("main", {}, async (page) => {
    await page.fill("#filter", "LARSON");
    assert.deepEqual(await firstColumn(page), ["larson2"]);
    assert.equal(await page.locator("article.workload:visible").count(), 1);
    assert.equal(await page.locator("#filtered").innerText(), "1 of 4 workloads");
    await page.fill("#filter", "");
    assert.equal(await page.locator("article.workload:visible").count(), 4);
  });
});

test("another baseline changes every figure, and the first one brings them back", async () => {
  await with_page("main", {}, async (page) => {
    const table = page.locator("#panel-1 table");
    const original = await table.innerText();
    const head = page.locator("#panel-1 .lead .baseline-name").first();
    await page.selectOption("#baseline", "jemalloc");
    await page.waitForFunction(() => document.querySelector("#panel-1 .baseline-name").textContent === "jemalloc");
    assert.equal(await head.innerText(), "jemalloc");
    const cells = await page.locator("#panel-1 .mean td").allInnerTexts();
    assert.ok(cells[1].includes("baseline") && /\d %/.test(cells[0]), cells.join("|"));
    await page.locator("#panel-1 thead th:nth-child(2) button").click();
    const sorted = await column(page, 2);
    assert.deepEqual(sorted, [...sorted].sort((a, b) => a - b));
    await page.locator("#panel-1 thead th:nth-child(2) button").click();
    await page.locator("#panel-1 thead th:nth-child(2) button").click();
    await page.selectOption("#baseline", "system");
    await page.waitForFunction(() => document.querySelector("#panel-1 .baseline-name").textContent === "system");
    assert.equal(await table.innerText(), original);
  });
});

test("every picture has its table, in which the pointer finds its figures", async () => {
  for (const name of names)
    await with_page(name, {}, async (page) => {
      const without = await page.evaluate(() => [...document.querySelectorAll("figure")]
        .filter((entry) => !entry.querySelector("table td") && !document.querySelector("main > section table td, main > div table td"))
        .map((entry) => entry.textContent.trim().slice(0, 60)));
      assert.deepEqual(without, [], name);
    });
  for (const name of ["main", "hostile"])
    await with_page(name, {}, async (page, { said }) => {
      const kinds = await page.evaluate(() => [...new Set([...document.querySelectorAll("figure[data-spots]")].map((entry) => entry.dataset.spots.split(" ")[0]))]);
      assert.deepEqual(kinds.sort(), ["bar", "mark", "part", "point", "row"], name);
      for (const kind of kinds) {
        const figure = page.locator(`figure[data-spots^="${kind}"]`).first();
        const svg = figure.locator("svg");
        await svg.scrollIntoViewIfNeeded();
        const box = await svg.boundingBox();
        let told = "";
        for (let step = 0; step < 40 && !told; ++step) {
          await page.mouse.move(box.x + box.width * ((step % 8) + 0.5) / 8, box.y + Math.min(box.height, 180) * (Math.floor(step / 8) + 0.5) / 5);
          if (await page.locator("#tip").isVisible()) told = await page.locator("#tip").innerText();
        }
        const cells = await figure.locator("td").evaluateAll((entries) => entries.map((entry) => entry.textContent.trim()));
        assert.ok(cells.some((cell) => cell && told.includes(cell)), `${name}: ${kind}: ${told}`);
        await page.mouse.move(1, 1);
        assert.ok(!(await page.locator("#tip").isVisible()));
      }
      assert.deepEqual(said, []);
    });
});

test("a dot is told as what the table has of it", async () => {
  await with_page("main", {}, async (page) => {
    const figure = page.locator("figure[data-spots^=row]").first();
    await figure.scrollIntoViewIfNeeded();
    const [head, cell, x, y] = await figure.evaluate((entry) => {
      const svg = entry.querySelector("svg");
      const [, pitch, low, high] = entry.dataset.spots.split(" ").map(Number);
      const rows = [...entry.querySelectorAll("tbody tr")].slice(1);
      const slowest = rows.reduce((best, row) => (Number(row.cells[2].textContent) > Number(best.cells[2].textContent) ? row : best));
      const value = slowest.cells[2].textContent.trim();
      const at = new DOMPoint(14 + ((Number(value) - low) / (high - low)) * 332, 1.6 * pitch).matrixTransform(svg.getScreenCTM());
      return [entry.querySelectorAll("thead th")[2].textContent, `${value} ${entry.dataset.unit}\nround: ${slowest.cells[0].textContent}`, at.x + 4, at.y];
    });
    await page.mouse.move(x, y);
    assert.equal(await page.locator("#tip").innerText(), `${head}: ${cell}`);
  });
});

test("the theme follows the system, or what was chosen", async () => {
  const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await with_page("main", { colorScheme: "dark" }, async (page) => {
    const dark = await background(page);
    await page.click("#theme");
    const light = await background(page);
    assert.notEqual(dark, light);
    await page.click("#theme");
    assert.equal(await background(page), dark);
    await page.reload();
    assert.equal(await page.innerText("#theme"), "Theme: dark");
  });
});

test("samples are saved as CSV and as JSON of the same figures", async () => {
  await with_page("hostile", {}, async (page) => {
    const part = page.locator("details", { has: page.locator("pre.samples") }).first();
    await part.locator("summary").click();
    const saved = [];
    for (const kind of ["CSV", "JSON"]) {
      const [download] = await Promise.all([page.waitForEvent("download"), part.getByText(`Save as ${kind}`).click()]);
      saved.push(fs.readFileSync(await download.path(), "utf-8"));
    }
    assert.equal(saved[0], await part.locator("pre").evaluate((entry) => entry.textContent));
    const rows = JSON.parse(saved[1]);
    assert.equal(rows.length, saved[0].trimEnd().split("\n").length - 1);
    assert.ok(rows.some((row) => row.allocator.startsWith('<script>alert(1)</script>]]>--&amp;"')));
    assert.ok(rows.every((row) => row.valid === true && Number.isFinite(row.cpu_ns)));
  });
});

test("with scripts off everything can be read, and tabs change the table", async () => {
  await with_page("main", { javaScriptEnabled: false }, async (page) => {
    assert.ok(await page.locator("h1").isVisible());
    assert.ok(!(await page.locator(".tools").isVisible()) && !(await page.locator("#theme").isVisible()));
    assert.ok(await page.locator("#panel-1").isVisible());
    await page.locator("label[for=tab-3]").click();
    assert.ok(await page.locator("#panel-3").isVisible());
    const part = page.locator("details", { has: page.locator("pre.samples") }).first();
    await part.locator("summary").click();
    assert.ok(await part.locator("pre").isVisible());
    assert.equal(await page.locator("button:visible").count(), 0);
  });
});

test("the keyboard reaches all that can be used, and shows where it is", async () => {
  await with_page("main", {}, async (page) => {
    const wanted = await page.evaluate(() => {
      const all = [...document.querySelectorAll("a[href], button, summary, select, input, [tabindex='0']")];
      const seen = (entry) => entry.checkVisibility() && !(entry.type === "radio" && !entry.checked);
      return all.filter(seen).map((entry, index) => (entry.dataset.stop = index));
    });
    const reached = new Set();
    let unseen = 0;
    for (let press = 0; press < wanted.length + 5; ++press) {
      await page.keyboard.press("Tab");
      const [stop, outlined] = await page.evaluate(() => {
        const at = document.activeElement;
        const ring = at.type === "radio" ? at.nextElementSibling : at;
        const style = getComputedStyle(ring);
        const line = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        return [at.dataset.stop, line || style.textDecorationLine === "underline"];
      });
      if (stop !== undefined) reached.add(Number(stop));
      unseen += stop !== undefined && !outlined;
    }
    assert.deepEqual(wanted.filter((stop) => !reached.has(stop)), []);
    assert.equal(unseen, 0);
    await page.locator("#tab-1").focus();
    await page.keyboard.press("ArrowRight");
    assert.ok(await page.locator("#panel-2").isVisible());
  });
});

test("axe-core finds no violation", async () => {
  for (const [name, options] of [["main", {}], ["main", { colorScheme: "dark" }], ["invalid", {}], ["long-12", { viewport: { width: 360, height: 740 } }], ...ofSite.map((name) => [name, {}])])
    await with_page(name, options, async (page) => {
      if (name !== "main") await page.evaluate(() => document.querySelectorAll("details").forEach((entry) => (entry.open = true)));
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const lines = found.violations.map((rule) => `${name}: ${rule.id}: ${rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" ")}`);
      assert.deepEqual(lines, []);
    });
});

test("A4 cuts nothing off", async () => {
  for (const name of ["main", "long-7"])
    await with_page(name, { viewport: { width: 718, height: 1000 } }, async (page) => { // A4 less margins of 1 cm
      await page.emulateMedia({ media: "print" });
      const cut = await page.evaluate(() => [...document.querySelectorAll("main *")]
        .filter((entry) => entry.checkVisibility() && !entry.closest(".hidden, .samples, svg") && entry.getBoundingClientRect().right > innerWidth + 1)
        .map((entry) => `${entry.tagName}.${entry.className}: ${entry.textContent.trim().slice(0, 40)}`));
      assert.deepEqual(cut.slice(0, 5), [], name);
      const pdf = await page.pdf({ format: "A4" });
      assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    });
});

test("no text in a picture is cut or covers another, at 1 to 12 allocators with long names", async () => {
  for (const name of ["one", "long-2", "long-4", "long-7", "long-12", "main", "hostile"])
    await with_page(name, {}, async (page) => {
      const found = await page.evaluate(() => {
        const problems = [];
        document.querySelectorAll("details").forEach((entry) => (entry.open = true));
        for (const svg of document.querySelectorAll("figure svg")) {
          const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
          const say = (what, text) => problems.push(`${svg.getAttribute("aria-label").slice(0, 60)}: ${what}: ${text}`);
          // Heights of the ink, not of the line: rows of text may stand close.
          const boxes = [...svg.querySelectorAll("text")].map((text) => {
            const box = text.getBBox();
            const matrix = text.getCTM().inverse().multiply(text.getCTM());
            return { text: text.textContent, x: box.x + matrix.e, y: box.y + box.height * 0.22, right: box.x + box.width, bottom: box.y + box.height * 0.85 };
          });
          for (const box of boxes)
            if (box.x < -0.5 || box.right > width + 0.5 || box.y < -1 || box.bottom > height + 1) say("cut", box.text);
          boxes.forEach((one, index) => boxes.slice(index + 1).forEach((other) => {
            const across = Math.min(one.right, other.right) - Math.max(one.x, other.x);
            const down = Math.min(one.bottom, other.bottom) - Math.max(one.y, other.y);
            if (across > 0.5 && down > 0.5) say("covered", `${one.text} / ${other.text}`);
          }));
        }
        return problems;
      });
      assert.deepEqual(found.slice(0, 8), [], name);
    });
});
