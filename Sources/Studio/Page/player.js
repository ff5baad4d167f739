"use strict";

/** An element with attributes, listeners (`on…`) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child != null));
  return element;
}

/** A number in few characters. */
function short(value) {
  if (value == null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size >= 1e5 || (size > 0 && size < 5e-4) ? value.toExponential(1)
    : value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
  return text.replaceAll("-", "−");
}

/** Clips that play side by side and in step: pictures where there are any, and what was measured with a moving cursor. */
class Stage {
  constructor(root) {
    this.clips = [];
    this.time = 0;
    this.speed = 1;
    this.isPlaying = false;
    this.holdUntil = 0;
    this.grid = make("div", { class: "clips" });
    this.button = make("button", { type: "button", class: "play", "aria-keyshortcuts": "p", onclick: () => this.toggle() });
    this.scrubber = make("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": "Time",
      oninput: () => { this.pause(); this.seek(this.scrubber.value / 1000 * this.seconds); },
      // Arrow keys are answers again once the mouse lets go.
      onpointerup: () => this.scrubber.blur() });
    this.clock = make("span", { class: "clock" });
    this.speeds = [0.5, 1, 2].map(speed => make("button", { type: "button", "aria-pressed": String(speed === 1),
      "aria-label": `Speed ${speed}`, onclick: () => this.setSpeed(speed) }, `${speed === 0.5 ? "½" : speed}×`));
    root.replaceChildren(this.grid, make("div", { class: "transport" }, this.button, this.scrubber, this.clock,
      make("div", { class: "tabs", role: "group", "aria-label": "Speed" }, ...this.speeds)));
    new ResizeObserver(() => this.draw()).observe(this.grid);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    const tick = now => {
      const passed = Math.min(0.1, (now - (this.last ?? now)) / 1000);
      this.last = now;
      if (this.isPlaying && this.clips.length && now > this.holdUntil) this.advance(passed, now);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    this.pause();
  }

  /** @param clips as the server sends them. @param labels one a clip. */
  show(clips, labels) {
    this.clips = clips.map((clip, index) => this.build(clip, labels[index]));
    this.seconds = Math.max(0.1, ...this.clips.map(clip => clip.seconds));
    // One scale for all clips, or the curves could not be compared.
    this.scales = new Map();
    for (const { traces } of clips) {
      for (const { name, values } of traces) {
        const known = values.filter(value => value != null);
        const scale = this.scales.get(name) ?? [Infinity, -Infinity];
        for (const value of known) { scale[0] = Math.min(scale[0], value); scale[1] = Math.max(scale[1], value); }
        this.scales.set(name, scale);
      }
    }
    this.grid.replaceChildren(...this.clips.map(clip => clip.figure));
    this.grid.dataset.count = clips.length;
    this.seek(0);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.play();
  }

  build(data, label) {
    const stepSeconds = 1 / (data.framesPerSecond * data.stepsPerFrame);
    const clip = { data, stepSeconds, seconds: data.length * stepSeconds, images: [], traces: [] };
    clip.ended = make("span", { class: "ended" });
    clip.figure = make("figure", { class: "clip" }, make("figcaption", {}, make("span", {}, label), clip.ended));
    if (data.frames.length) {
      clip.screen = make("canvas", { class: "screen", role: "img", "aria-label": `${label}: a moving picture of one episode` });
      clip.figure.append(clip.screen);
      clip.images = data.frames.map((frame, index) => {
        const image = new Image();
        image.onload = () => {
          if (index === 0) { clip.screen.width = image.naturalWidth; clip.screen.height = image.naturalHeight; }
          if (index === clip.shown || index === 0) this.draw();
        };
        image.src = `data:image/png;base64,${frame}`;
        return image;
      });
    }
    clip.figure.classList.toggle("bare", !data.frames.length);
    const measures = make("div", { class: "measures" });
    clip.figure.append(measures);
    for (const [place, trace] of data.traces.slice(0, data.frames.length ? 3 : 6).entries()) {
      const canvas = make("canvas", { class: "trace", role: "img",
        "aria-label": `${label}: ${trace.name} over the episode, ${short(trace.values[0])} at first, ${short(trace.values.at(-1))} at the end` });
      const value = make("span", { class: "value" });
      measures.append(make("div", { class: `measure c${place % 7}` },
        make("div", { class: "measure-head" }, make("span", {}, trace.name.replaceAll("_", " ")), value), canvas));
      clip.traces.push({ trace, canvas, value });
    }
    return clip;
  }

  advance(passed, now) {
    const next = this.time + passed * this.speed;
    if (this.time >= this.seconds) this.seek(0);
    else if (next >= this.seconds) { this.seek(this.seconds); this.holdUntil = now + 700; }
    else this.seek(next);
  }

  play() { this.isPlaying = true; this.label(); }
  pause() { this.isPlaying = false; this.label(); }
  toggle() { if (this.isPlaying) this.pause(); else this.play(); }
  label() {
    this.button.textContent = this.isPlaying ? "❚❚" : "▶";
    this.button.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
  }

  setSpeed(speed) {
    this.speed = speed;
    [0.5, 1, 2].forEach((choice, index) => this.speeds[index].setAttribute("aria-pressed", String(choice === speed)));
  }

  /** One picture forth or back. */
  step(direction) {
    const longest = this.clips.reduce((a, b) => (b.seconds > a.seconds ? b : a), this.clips[0]);
    if (!longest) return;
    this.pause();
    this.seek(this.time + direction * longest.stepSeconds * longest.data.stepsPerFrame);
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.seconds || 0);
    this.scrubber.value = this.seconds ? Math.round(this.time / this.seconds * 1000) : 0;
    this.clock.textContent = `${this.time.toFixed(1)} / ${(this.seconds || 0).toFixed(1)} s`;
    this.draw();
  }

  draw() {
    if (!this.clips.length) return;
    const style = getComputedStyle(document.documentElement);
    const ink = { line: style.getPropertyValue("--line"), soft: style.getPropertyValue("--soft") };
    for (const clip of this.clips) {
      const step = Math.min(clip.data.length - 1, Math.floor(this.time / clip.stepSeconds));
      const isOver = this.time > clip.seconds - clip.stepSeconds / 2 && clip.seconds < this.seconds - clip.stepSeconds / 2;
      clip.ended.textContent = isOver ? `ended after ${clip.seconds.toFixed(1)} s` : "";
      clip.figure.classList.toggle("over", isOver);
      if (clip.images.length) {
        clip.shown = Math.min(clip.images.length - 1, Math.floor(step / clip.data.stepsPerFrame));
        const image = clip.images[clip.shown];
        if (image.complete && image.naturalWidth) clip.screen.getContext("2d").drawImage(image, 0, 0);
      }
      for (const { trace, canvas, value } of clip.traces) {
        value.textContent = `${short(trace.values[step])}${trace.unit ? ` ${trace.unit}` : ""}`;
        this.drawTrace(canvas, trace, step, ink, clip);
      }
    }
  }

  drawTrace(canvas, trace, step, ink, clip) {
    const density = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, width, height);
    let [low, high] = this.scales.get(trace.name);
    if (!(high > low)) { low -= 0.5; high += 0.5; }
    const longest = this.seconds / clip.stepSeconds;
    const x = index => 3 + index / Math.max(1, longest - 1) * (width - 6);
    const y = value => height - 4 - (value - low) / (high - low) * (height - 8);
    if (low < 0 && high > 0) {
      pen.strokeStyle = ink.line;
      pen.lineWidth = 1;
      pen.beginPath(); pen.moveTo(0, y(0)); pen.lineTo(width, y(0)); pen.stroke();
    }
    const color = getComputedStyle(canvas).color;
    const curve = (from, to) => {
      pen.beginPath();
      let isOpen = false;
      for (let index = from; index <= to; index += 1) {
        const value = trace.values[index];
        if (value == null) { isOpen = false; continue; }
        if (isOpen) pen.lineTo(x(index), y(value)); else pen.moveTo(x(index), y(value));
        isOpen = true;
      }
      pen.stroke();
    };
    pen.strokeStyle = color;
    pen.lineJoin = "round";
    pen.globalAlpha = 0.28;
    pen.lineWidth = 1.5;
    curve(0, trace.values.length - 1);
    pen.globalAlpha = 1;
    pen.lineWidth = 2;
    curve(0, step);
    const value = trace.values[step];
    if (value != null) {
      pen.fillStyle = color;
      pen.beginPath(); pen.arc(x(step), y(value), 3, 0, 2 * Math.PI); pen.fill();
    }
  }
}
