"use strict";

const at = id => document.getElementById(id);
const stage = new Stage(at("stage"));
/** What is known of the run; each event from the server brings what changed. */
let known = null;
const cards = new Map();
const elements = new Map();
const clips = new Map();
/** The pair on the stage, to load it once. */
let onStage = "";
let isSending = false;
/** When Enter was pressed although pairs were left. */
let warned = 0;

// MARK: What the server tells

const events = new EventSource("events");
events.onmessage = message => {
  const delta = JSON.parse(message.data);
  if (delta.isWhole) {
    cards.clear();
    elements.clear();
    at("generations").replaceChildren();
  }
  const before = known?.question;
  known = delta;
  for (const card of delta.candidates) cards.set(card.id, card);
  showStatus();
  showQuestion(before);
  if (!known.question) showLive(delta.candidates.map(card => card.id));
  if (delta.phase.name === "ended") events.close();
};
events.onopen = () => { if (known) showStatus(); };
events.onerror = () => {
  at("dot").className = "dot lost";
  at("phase").textContent = events.readyState === EventSource.CLOSED
    ? "This page is of a run that is gone" : "Connection lost; trying again…";
  at("detail").textContent = "";
};

function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}

function showStatus() {
  const { run, phase, progress } = known;
  const generation = `generation ${(phase.generation ?? 0) + 1} of ${run.generations}`;
  const words = {
    preparing: "Getting ready",
    training: `Training ${generation}`,
    filming: `Filming clip ${(phase.filmed ?? 0) + 1} of ${phase.clips ?? 0}`,
    asking: known.question ? "Waiting for you" : `Training ${generation}`,
    comparing: `Comparing ${phase.clips ?? ""} policies`,
    ended: "The run has ended",
  };
  const isTraining = phase.name === "training" || phase.name === "comparing";
  const share = progress.of ? Math.min(1, progress.done / progress.of) : 0;
  at("task").textContent = run.task;
  at("goal").textContent = run.goal;
  at("ask-goal").textContent = run.goal;
  at("dot").className = `dot ${phase.name === "ended" ? "ended" : known.question ? "asking" : "on"}`;
  if (at("phase").textContent !== words[phase.name]) at("phase").textContent = words[phase.name];
  at("detail").textContent = isTraining && progress.rate
    ? `${Math.round(progress.rate).toLocaleString("en")} steps/s · ${duration((progress.of - progress.done) / progress.rate)} left` : "";
  const percent = Math.round(100 * (phase.name === "ended" && progress.done ? 1 : share));
  at("fill").style.width = `${percent}%`;
  at("bar").setAttribute("aria-valuenow", percent);
  document.title = `${known.question ? "● Your turn" : phase.name === "ended" ? "Ended" : `${percent} %`} · ${run.task}`;
}

// MARK: The run, live

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The least and the largest of the numbers among the values, never equal. */
function range(values) {
  const numbers = values.filter(value => value != null);
  if (!numbers.length) return [0, 1];
  let [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (high - low < 1e-9) { low -= 0.5; high += 0.5; }
  return [low, high];
}

/** Small lines over the checkpoints, with room for those that are yet to come. */
function sparkline(series, height, label) {
  const [low, high] = range(series.flatMap(line => line.values));
  const last = Math.max(known.run.checkpoints, ...series.map(line => line.values.length)) - 1;
  const x = index => 2 + index / Math.max(1, last) * 196;
  const y = value => height - 4 - (value - low) / (high - low) * (height - 8);
  const picture = svg("svg", { viewBox: `0 0 200 ${height}`, class: "spark", role: "img", "aria-label": label, preserveAspectRatio: "none" });
  if (low < 0 && high > 0) picture.append(svg("line", { x1: 0, x2: 200, y1: y(0), y2: y(0), class: "zero" }));
  for (const { values, color } of series) {
    const points = values.map((value, index) => value == null ? null : `${x(index).toFixed(1)},${y(value).toFixed(1)}`).filter(Boolean);
    if (points.length === 1) points.push(points[0].replace(/^[\d.]+/, first => String(Number(first) + 2)));
    picture.append(svg("polyline", { points: points.join(" "), class: `line ${color}` }));
  }
  return picture;
}

const states = { waiting: "waiting", training: "training", trained: "trained", stopped: "ended early", rejected: "rejected", failed: "failed" };

function card(data) {
  const isBest = known.best === data.id;
  const element = make("article", { class: `card ${data.state}${isBest ? " best" : ""}` });
  element.append(make("div", { class: "card-head" },
    make("button", { type: "button", class: "open", onclick: () => openProgram(data.id) }, `#${data.id}`,
      make("span", { class: "hidden" }, " program")),
    isBest ? make("span", { class: "pill best" }, "best so far") : null,
    make("span", { class: `pill ${data.state}` }, states[data.state])));
  if (data.fitness.length) {
    element.append(
      make("div", { class: "number" }, short(data.score), make("span", { class: "soft" }, " fitness")),
      sparkline([{ values: data.fitness, color: "ink" }], 44, `Fitness of candidate ${data.id} over its training`));
    const terms = data.terms.map((term, index) => ({ ...term, color: `c${index % 7}` }));
    if (terms.length) {
      element.append(sparkline(terms, 36, `Terms of candidate ${data.id} over its training`),
        make("div", { class: "terms" }, ...terms.map(term => make("span", { class: term.color },
          make("i", { "aria-hidden": "true" }), make("span", {}, term.name.replaceAll("_", " ")), make("b", {}, short(term.values.at(-1)))))));
    }
  }
  if (data.reason) element.append(make("p", { class: "reason" }, data.reason.split("\n")[0]));
  element.append(make("p", { class: "origin soft" }, data.origin, parents(data)));
  return element;
}

function parents(data) { return data.parents.length ? ` (from ${data.parents.map(id => `#${id}`).join(", ")})` : ""; }

/** @param changed ids of the cards that are new or different. */
function showLive(changed) {
  const isNewBest = at("generations").dataset.best !== String(known.best);
  if (isNewBest) {
    changed = [...new Set([...changed, Number(at("generations").dataset.best), known.best])].filter(id => cards.has(id));
    at("generations").dataset.best = String(known.best);
  }
  for (const id of changed) {
    const data = cards.get(id);
    const fresh = card(data);
    if (elements.has(id)) elements.get(id).replaceWith(fresh);
    else section(data.generation).append(fresh);
    elements.set(id, fresh);
  }
  showSaid();
  showOverview();
  showArms();
}

/** The cards of a generation; the newest generation is on top. */
function section(generation) {
  const id = `generation-${generation}`;
  if (!at(id)) {
    at("generations").prepend(make("section", { class: "generation" },
      make("h2", {}, `Generation ${generation + 1}`), make("div", { class: "said", id: `said-${generation}` }),
      make("div", { class: "cards", id })));
  }
  return at(id);
}

function showSaid() {
  for (const feedback of known.feedback) {
    const place = at(`said-${feedback.generation}`);
    const order = feedback.ranking.map(id => `#${id}`).join(" › ");
    place?.replaceChildren(...[
      order ? make("span", {}, "Your order: ", make("b", {}, order)) : null,
      feedback.words ? make("q", {}, feedback.words) : null].filter(Boolean));
  }
}

function showOverview() {
  const shown = [...cards.values()].filter(data => data.score != null).sort((a, b) => a.id - b.id);
  at("overview").hidden = shown.length === 0;
  if (!shown.length) return;
  const chart = at("overview-chart");
  const width = Math.max(280, chart.clientWidth), height = 190;
  const lines = [["random", known.probe, "random behaviour"], ["success", known.run.success, "counts as done"]].filter(line => line[1] != null);
  const [low, high] = range([...shown.map(data => data.score), ...lines.map(line => line[1])]);
  const count = Math.max(known.run.generations * known.run.candidates, ...shown.map(data => data.id + 1));
  const x = id => 52 + (id + 0.5) / count * (width - 64);
  const y = value => height - 26 - (value - low) / (high - low) * (height - 44);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": `Fitness of ${shown.length} candidates; the best has ${short(Math.max(...shown.map(data => data.score)))}` });
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (high - low);
    picture.append(svg("line", { x1: 48, x2: width - 8, y1: y(value), y2: y(value), class: "zero" }),
      svg("text", { x: 42, y: y(value) + 4, class: "tick end" }, short(value)));
  }
  for (let generation = 0; generation < known.run.generations; generation += 1) {
    const start = generation * known.run.candidates;
    if (generation) picture.append(svg("line", { x1: x(start - 0.5), x2: x(start - 0.5), y1: 10, y2: height - 22, class: "fence" }));
    picture.append(svg("text", { x: x(start + (known.run.candidates - 1) / 2), y: height - 6, class: "tick middle" }, `generation ${generation + 1}`));
  }
  for (const [name, value, words] of lines) {
    picture.append(svg("line", { x1: 48, x2: width - 8, y1: y(value), y2: y(value), class: `level ${name}` }, svg("title", {}, `${words}: ${short(value)}`)));
  }
  let best = -Infinity;
  const path = [];
  for (const data of shown) {
    if (data.state === "training") continue;
    if (data.score > best) {
      if (path.length) path.push(`${x(data.id)},${y(best)}`);
      best = data.score;
    }
    path.push(`${x(data.id)},${y(best)}`);
  }
  picture.append(svg("polyline", { points: path.join(" "), class: "record" }));
  for (const data of shown) {
    const dot = svg("circle", { cx: x(data.id), cy: y(data.score), r: data.id === known.best ? 7 : 5, class: `point ${data.state}${data.id === known.best ? " best" : ""}` },
      svg("title", {}, `#${data.id}: ${short(data.score)}, ${states[data.state]}`));
    dot.addEventListener("click", () => openProgram(data.id));
    picture.append(dot);
  }
  chart.replaceChildren(picture);
  at("overview-legend").replaceChildren(
    ...lines.map(([name, value, words]) => make("span", { class: `key ${name}` }, make("i", { "aria-hidden": "true" }), `${words} ${short(value)}`)),
    make("span", { class: "key record" }, make("i", { "aria-hidden": "true" }), "best so far"));
}

function showArms() {
  at("arms").hidden = known.policies.length === 0;
  if (!known.policies.length) return;
  const arms = new Map();
  for (const policy of known.policies) arms.set(policy.arm, [...arms.get(policy.arm) ?? [], policy]);
  const [low, high] = range(known.policies.map(policy => policy.fitness));
  at("arm-rows").replaceChildren(...["designed", "human", "fitness alone", ...arms.keys()]
    .filter((arm, index, all) => arms.has(arm) && all.indexOf(arm) === index).map((arm, index) => {
      const fitness = arms.get(arm).map(policy => policy.fitness).filter(value => value != null);
      const mean = fitness.reduce((a, b) => a + b, 0) / fitness.length;
      const picture = svg("svg", { class: "strip", role: "img", "aria-label": `${arm}: mean fitness ${short(mean)} over ${fitness.length} seeds` });
      const x = value => `${(2 + (value - low) / (high - low) * 96).toFixed(2)}%`;
      picture.append(svg("line", { x1: 0, x2: "100%", y1: 14, y2: 14, class: "zero" }));
      for (const policy of arms.get(arm)) {
        if (policy.fitness != null) picture.append(svg("circle", { cx: x(policy.fitness), cy: 14, r: 5, class: `seed c${index % 7}` }, svg("title", {}, `seed ${policy.seed}: ${short(policy.fitness)}`)));
      }
      return make("div", { class: "arm" }, make("span", {}, arm), picture, make("b", {}, short(mean)));
    }));
}

// MARK: Programs

const words = /\b(and|def|elif|else|for|from|if|import|in|is|lambda|not|or|return|None|True|False)\b|\b\d[\d_.]*(?:e[-+]?\d+)?\b|#.*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;

function highlighted(line) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(words)) {
    parts.push(line.slice(end, match.index));
    const kind = match[1] ? "word" : match[0][0] === "#" ? "comment" : /["']/.test(match[0][0]) ? "string" : "digit";
    parts.push(make("span", { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, line.slice(end)];
}

/** The difference between two texts, by their longest common subsequence of lines. */
function differences(old, fresh) {
  const a = old.split("\n"), b = fresh.split("\n");
  const length = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const lines = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { lines.push([" ", a[i]]); i += 1; j += 1; }
    else if (i < a.length && (j === b.length || length[i + 1][j] >= length[i][j + 1])) { lines.push(["−", a[i]]); i += 1; }
    else { lines.push(["+", b[j]]); j += 1; }
  }
  return lines;
}

async function load(path) {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

async function openProgram(id) {
  try {
    const program = await load(`programs/${id}`);
    const parent = program.parents.length ? await load(`programs/${program.parents[0]}`) : null;
    const data = cards.get(id);
    at("program-title").textContent = `Candidate ${id}`;
    at("program-origin").textContent = program.origin + parents(program) + (data?.reason ? `. ${states[data.state]}: ${data.reason}` : "");
    const show = isDiff => {
      at("show-text").setAttribute("aria-pressed", String(!isDiff));
      at("show-diff").setAttribute("aria-pressed", String(isDiff));
      const lines = isDiff ? differences(parent.source.trimEnd(), program.source.trimEnd()) : program.source.trimEnd().split("\n").map(line => ["", line]);
      at("program-text").replaceChildren(...lines.map(([mark, line]) => make("span", {
        class: `row${mark === "+" ? " added" : mark === "−" ? " removed" : ""}` }, mark && `${mark} `, ...highlighted(line), "\n")));
    };
    at("show-diff").disabled = !parent;
    at("show-diff").textContent = parent ? `Changes to #${parent.id}` : "Changes";
    at("show-text").onclick = () => show(false);
    at("show-diff").onclick = () => show(true);
    show(false);
    at("program").showModal();
  } catch (error) {
    toast(error.message);
  }
}
at("close").onclick = () => at("program").close();
at("program").onclick = event => { if (event.target === at("program")) at("program").close(); };

// MARK: The question

function clip(name) {
  if (!clips.has(name)) {
    const loading = load(`clips/${name}`);
    loading.catch(() => clips.delete(name));
    clips.set(name, loading);
  }
  return clips.get(name);
}

function showQuestion(before) {
  const question = known.question;
  at("ask").hidden = !question;
  at("live").hidden = Boolean(question);
  if (!question) {
    if (before) { clips.clear(); onStage = ""; stage.pause(); }
    return;
  }
  if (at("program").open) at("program").close();
  if (before?.generation !== question.generation) {
    at("words").value = sessionStorage.getItem(draft(question)) ?? "";
    warned = 0;
  }
  const isDone = question.sides.length === 0;
  const isAlone = question.clips.length === 1;
  at("question").textContent = isAlone ? "What do you say of this one?"
    : isDone ? "All compared. Anything to add?" : "Which of the two does it better?";
  at("pair-text").textContent = isAlone ? "" : isDone
    ? `${question.pair} pairs compared` : `Pair ${question.pair + 1} of at most ${question.pairs}`;
  at("pips").replaceChildren(...Array.from({ length: Math.min(isAlone ? 0 : question.pairs, 24) }, (_, index) =>
    make("i", { class: index < question.pair ? "full" : index === question.pair && !isDone ? "now" : "" })));
  at("choices").hidden = isDone;
  // Nothing is left to press but the sentence's own keys.
  if (isDone && before?.sides.length && !isAlone) at("words").focus();
  at("stage").hidden = isDone && !isAlone;
  at("undo").disabled = question.pair === 0;
  at("ask").classList.toggle("done", isDone);
  for (const button of document.querySelectorAll("#choices button")) button.classList.remove("chosen");
  const names = isAlone ? question.clips : question.sides;
  const key = `${question.pair} ${names.join(" ")}`;
  if (key === onStage) return;
  onStage = key;
  if (!names.length) return stage.pause();
  Promise.all(names.map(clip)).then(loaded => {
    if (onStage !== key) return;
    stage.show(loaded, isAlone ? ["The only one"] : ["Left", "Right"]);
    for (const name of question.clips) clip(name).catch(() => {});
  }).catch(error => { onStage = ""; toast(error.message); });
}

const draft = question => `guerdon-words-${location.pathname}-${question.generation}`;
at("words").oninput = () => { if (known?.question) sessionStorage.setItem(draft(known.question), at("words").value); };

async function answer(say) {
  const question = known?.question;
  if (!question || isSending) return;
  isSending = true;
  document.querySelector(`#choices [data-say="${say}"]`)?.classList.add("chosen");
  try {
    const response = await fetch("answers", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ generation: question.generation, pair: question.pair, say, ...(say === "finish" ? { words: at("words").value } : {}) }) });
    const body = await response.json();
    if (!response.ok) throw new Error(body.error);
    if (say === "finish" || say === "skip") {
      sessionStorage.removeItem(draft(question));
      toast(say === "skip" ? "Skipped." : "Taken. Thank you.");
    }
  } catch (error) {
    toast(error instanceof TypeError ? "The answer did not arrive: guerdon cannot be reached." : error.message);
    for (const button of document.querySelectorAll("#choices button")) button.classList.remove("chosen");
  } finally {
    isSending = false;
  }
}

/** Ends the question; asks once more when pairs are left. */
function finish() {
  const question = known?.question;
  if (!question) return;
  if (question.sides.length && question.pair > 0 && Date.now() - warned > 6000) {
    warned = Date.now();
    return toast("There are pairs left. Once more to finish with what you have said.");
  }
  if (question.sides.length && question.pair === 0 && !at("words").value.trim()) {
    return toast("Compare a pair or write a sentence first; or skip this generation.");
  }
  answer("finish");
}

for (const button of document.querySelectorAll("#choices button")) button.onclick = () => { answer(button.dataset.say); button.blur(); };
at("undo").onclick = () => answer("undo");
at("skip").onclick = () => answer("skip");
at("finish").onclick = finish;

addEventListener("keydown", event => {
  if (!known?.question || event.ctrlKey && event.key !== "Enter" || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target;
  if (target === at("words")) {
    if (event.key === "Escape") target.blur();
    else if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); if (!event.repeat) finish(); }
    return;
  }
  if (target.matches?.("button") && (event.key === " " || event.key === "Enter")) return;
  if (target.matches?.("input[type=range]") && event.key.startsWith("Arrow")) return;
  const keys = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "same", ArrowDown: "same", " ": "same", u: "undo", U: "undo" };
  const speeds = { 1: 0.5, 2: 1, 3: 2 };
  if (keys[event.key]) {
    const isChoice = keys[event.key] !== "undo";
    if (!event.repeat && (known.question.sides.length || !isChoice)) answer(keys[event.key]);
  } else if (event.key === "p" || event.key === "P") stage.toggle();
  else if (event.key === ",") stage.step(-1);
  else if (event.key === ".") stage.step(1);
  else if (speeds[event.key]) stage.setSpeed(speeds[event.key]);
  else if (event.key === "Enter") { if (!event.repeat) finish(); }
  else return;
  event.preventDefault();
});

let hiding;
function toast(text) {
  at("toast").textContent = text;
  at("toast").classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => at("toast").classList.remove("shown"), 4000);
}

let resizing;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => { if (known && !known.question) showOverview(); }, 120); });
