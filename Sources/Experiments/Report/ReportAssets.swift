/// The page's style: one column, light and dark, fit for print.
let reportStyle = """
  :root { color-scheme: light dark; --ink: #1c1f24; --soft: #5d6570; --line: #dfe3e8; --page: #ffffff; --panel: #f6f7f9;
    --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #e69f00; --c5: #56b4e9; --c6: #8a8f98;
    --high: #c0392b; --medium: #b9770e; --low: #2471a3; --good: #1e8449; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3ae; --line: #31363d; --page: #15181c;
    --panel: #1d2126; --c0: #4aa3df; --c1: #f08a4b; --c2: #3fc79a; --c3: #e3a3c6; --c4: #f0bf55; --c5: #8ed0f5;
    --high: #ef6f61; --medium: #e0a33e; --low: #6bb1dd; --good: #58c48a; } }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  main { max-width: 920px; margin: 0 auto; padding: 40px 24px 80px; }
  header { border-bottom: 1px solid var(--line); margin-bottom: 24px; padding-bottom: 8px; }
  .brand { color: var(--soft); font-size: 13px; letter-spacing: .12em; text-transform: uppercase; }
  h1 { font-size: 30px; line-height: 1.2; margin: 6px 0 4px; letter-spacing: -.01em; }
  h2 { font-size: 20px; margin: 44px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); }
  h3 { font-size: 16px; margin: 24px 0 6px; }
  p { margin: 8px 0; max-width: 72ch; } .subtitle { color: var(--soft); }
  .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; margin: 18px 0; }
  .figure { background: var(--panel); border-radius: 10px; padding: 14px 16px; }
  .figure .label, .figure .note { color: var(--soft); font-size: 13px; }
  .figure .value { font-size: 26px; font-weight: 650; font-variant-numeric: tabular-nums; }
  .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; margin: 10px 0; }
  th { text-align: left; color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); padding: 6px 10px 6px 0; }
  td { border-bottom: 1px solid var(--line); padding: 6px 10px 6px 0; font-variant-numeric: tabular-nums; vertical-align: top; }
  pre.code { background: var(--panel); border-radius: 10px; padding: 14px 16px; overflow-x: auto;
    font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
  .word { color: var(--c0); font-weight: 600; } .number { color: var(--c1); } .text { color: var(--soft); }
  .added { color: var(--good); } .removed { color: var(--high); }
  figure { margin: 18px 0; } figcaption { color: var(--soft); font-size: 14px; } .canvas { position: relative; display: none; } .drawn .canvas { display: block; }
  details { margin: 6px 0; } summary { cursor: pointer; color: var(--soft); font-size: 14px; }
  .callout { border-left: 4px solid var(--c6); background: var(--panel); border-radius: 0 10px 10px 0; padding: 10px 14px; margin: 10px 0; }
  .callout div { color: var(--soft); font-size: 14px; } .tag { font-size: 12px; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); }
  .callout.high { border-color: var(--high); } .callout.medium { border-color: var(--medium); }
  .callout.low { border-color: var(--low); } .callout.good { border-color: var(--good); }
  .clip { max-width: 100%; border-radius: 10px; display: block; } .controls:not([hidden]) { display: flex; gap: 10px; align-items: center; max-width: 480px; margin-top: 6px; }
  .controls input { flex: 1; accent-color: var(--c0); } .controls button { border: 1px solid var(--line); background: var(--panel); color: var(--ink);
    border-radius: 8px; width: 38px; height: 30px; cursor: pointer; } .controls output { color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
  .tree text { font-size: 12px; text-anchor: middle; fill: var(--soft); } .tree .member text { font-weight: 600; }
  .tree .worth { text-anchor: start !important; font-weight: 400 !important; fill: var(--soft); paint-order: stroke; stroke: var(--page); stroke-width: 4px; } .tree circle { stroke: var(--line); stroke-width: 1.5; }
  .tree .marked circle { stroke: var(--c1); stroke-width: 3; } .tree .edge { fill: none; stroke: var(--line); stroke-width: 1.5; }
  .tree .edge.marked { stroke: var(--c1); stroke-width: 2.5; } .tree a:hover circle { stroke: var(--ink); }
  details:target { outline: 2px solid var(--c1); outline-offset: 4px; border-radius: 6px; }
  @media print { main { max-width: none; padding: 0; } .drawn details.data { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
  """

/// Plays `films`, and unfolds the program that a link points to.
let filmScript = """
  (() => {
    films.forEach((frames, index) => {
      const film = document.getElementById("film" + index), image = film.querySelector("img");
      const controls = film.querySelector(".controls"), button = controls.querySelector("button");
      const slider = controls.querySelector("input"), clock = controls.querySelector("output");
      const rate = Number(film.dataset.rate) || 25;
      let at = 0, playing = !matchMedia("(prefers-reduced-motion: reduce)").matches, last = 0;
      const show = () => {
        image.src = frames[at];
        slider.value = at;
        clock.textContent = (at / rate).toFixed(1) + " s";
        button.textContent = playing ? "\\u275A\\u275A" : "\\u25B6";
      };
      const tick = now => {
        if (playing && now - last >= 1000 / rate) { last = now; at = (at + 1) % frames.length; show(); }
        requestAnimationFrame(tick);
      };
      button.addEventListener("click", () => { playing = !playing; show(); });
      slider.addEventListener("input", () => { playing = false; at = Number(slider.value); show(); });
      controls.hidden = false;
      show();
      requestAnimationFrame(tick);
    });
    const unfold = () => {
      const target = document.getElementById(location.hash.slice(1));
      if (target instanceof HTMLDetailsElement) target.open = true;
    };
    addEventListener("hashchange", unfold);
    unfold();
  })();
  """

/// Draws `charts` with Chart.js and closes the table of each that is drawn. Without Chart.js, or without scripts, there are
/// only the tables.
let reportScript = """
  (() => {
    if (typeof Chart === "undefined") return;
    const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const color = i => css("--c" + i % 7), faint = i => color(i) + "33";
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.color = css("--soft");
    Chart.defaults.borderColor = css("--line");
    Chart.defaults.animation = false;
    const title = text => ({ display: text !== "", text });
    const tooltip = { callbacks: { label: item => {
      const p = item.raw.source || item.raw;
      const value = typeof p.y === "number" ? p.y.toPrecision(4) : "";
      return [p.label, item.dataset.label, value].filter(Boolean).join(" · ");
    } } };
    charts.forEach((chart, index) => {
      const canvas = document.getElementById("chart" + index), figure = canvas.closest("figure");
      figure.classList.add("drawn");
      const datasets = [];
      let options = { responsive: true, maintainAspectRatio: false, interaction: { mode: "nearest", intersect: false },
        plugins: { legend: { display: chart.series.length > 1, labels: { usePointStyle: true, boxHeight: 7,
          filter: item => !item.text.startsWith("\\u0000") } }, tooltip },
        scales: { x: { type: "linear", title: title(chart.xLabel) }, y: { title: title(chart.yLabel) } } };
      if (chart.kind === "lines") {
        chart.series.forEach((s, i) => {
          const has = s.points.some(p => p.low !== undefined && p.high !== undefined);
          datasets.push({ type: "line", label: s.name, data: s.points, borderColor: color(i), backgroundColor: color(i),
            borderWidth: 2, pointRadius: s.points.length < 30 ? 2.5 : 0, tension: .15 });
          if (has) {
            datasets.push({ type: "line", label: "\\u0000", data: s.points.map(p => ({ x: p.x, y: p.low })), borderWidth: 0, pointRadius: 0, tension: .15 });
            datasets.push({ type: "line", label: "\\u0000", data: s.points.map(p => ({ x: p.x, y: p.high })), borderWidth: 0, pointRadius: 0, tension: .15,
              fill: "-1", backgroundColor: faint(i) });
          }
        });
        new Chart(canvas, { type: "line", data: { datasets }, options });
      } else if (chart.kind === "scatter") {
        options.scales.x.ticks = { precision: 0 };
        chart.series.forEach((s, i) => datasets.push({ label: s.name, data: s.points, backgroundColor: color(i),
          borderColor: color(i), pointRadius: 5, pointHoverRadius: 7 }));
        new Chart(canvas, { type: "scatter", data: { datasets }, options });
      } else {
        const names = chart.series.map(s => s.name);
        options.indexAxis = "y";
        options.plugins.legend.display = false;
        options.scales = { x: { title: title(chart.xLabel) }, y: { type: "category", labels: names } };
        datasets.push({ type: "bar", label: "interval", barThickness: 10, borderRadius: 5, borderSkipped: false,
          data: chart.series.map(s => { const p = s.points.find(p => p.low !== undefined && p.high !== undefined); return p ? [p.low, p.high] : null; }),
          backgroundColor: chart.series.map((s, i) => faint(i)) });
        chart.series.forEach((s, i) => datasets.push({ type: "scatter", label: s.name, pointRadius: 4,
          data: s.points.map(p => ({ x: p.y, y: s.name, source: p })), backgroundColor: color(i), borderColor: color(i) }));
        new Chart(canvas, { type: "bar", data: { labels: names, datasets }, options });
      }
      figure.querySelector("details.data").open = false;
    });
  })();
  """
