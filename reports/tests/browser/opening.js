// How long pages take to open, and the main thread's work for it: `node opening.js TIMES FILE...` prints JSON, a list of
// figures for each file. CHROMIUM in the environment is the browser. The files take turns.
"use strict";
const path = require("node:path");
const { chromium } = require("playwright-core");

// A browser that was just started loads scripts of its own for a second or two.
const SETTLED_MS = 2500;

async function opened(file) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.waitForTimeout(SETTLED_MS);
  await page.goto(`file://${path.resolve(file)}`);
  await page.waitForTimeout(500);
  const figures = await page.evaluate(() => ({
    load_ms: performance.getEntriesByType("navigation")[0].loadEventEnd,
    first_paint_ms: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    elements: document.querySelectorAll("*").length,
  }));
  const { metrics } = await session.send("Performance.getMetrics");
  const seconds = Object.fromEntries(metrics.map((metric) => [metric.name, metric.value]));
  await browser.close();
  return {
    ...figures,
    main_thread_ms: 1000 * seconds.TaskDuration,
    style_ms: 1000 * seconds.RecalcStyleDuration,
    layout_ms: 1000 * seconds.LayoutDuration,
    script_ms: 1000 * seconds.ScriptDuration,
  };
}

(async () => {
  const [times, ...files] = process.argv.slice(2);
  const found = Object.fromEntries(files.map((file) => [file, []]));
  for (let time = 0; time < Number(times); ++time) for (const file of files) found[file].push(await opened(file));
  console.log(JSON.stringify(found));
})();
