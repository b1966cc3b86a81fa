#include "page.h"

namespace attune::train::page {

const std::string_view script_attention = R"js(
// Two characters of base 64 a weight, 0 to 4000 for 0 to 1; 4095 is not a number.
function decodeWeights(text) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const digit = new Uint8Array(128);
  range(64).forEach((i) => { digit[digits.charCodeAt(i)] = i; });
  return Float32Array.from({length: text.length / 2}, (_, i) => {
    const level = digit[text.charCodeAt(2 * i)] * 64 + digit[text.charCodeAt(2 * i + 1)];
    return level === 4095 ? NaN : level / 4000;
  });
}

// Colours for weights from 0 to 1 in 256 steps of their square root, which tells small weights apart.
function heatColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  };
  const stops = range(5).map((i) => read(`--heat-${i}`));
  const levels = range(256).map((level) => {
    const at = level / 255 * 4, i = Math.min(Math.floor(at), 3);
    return stops[i].map((from, channel) => Math.round(from + (stops[i + 1][channel] - from) * (at - i)));
  });
  return {of: (weight) => levels[Math.round(Math.sqrt(weight) * 255)], broken: read("--heat-nan")};
}

// One pixel a weight. Where the model may not look there is no colour at all.
function paint(canvas, weights, causal, colours) {
  const {width, height} = canvas;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  weights.forEach((weight, i) => {
    if (causal && i % width > Math.floor(i / width)) return;
    image.data.set(Number.isNaN(weight) ? colours.broken : colours.of(weight), 4 * i);
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

const seen = (token) => token.replace(/ /g, "\u2423").replace(/\n/g, "\u23ce").replace(/\t/g, "\u21e5").replace(/\r/g, "\u240d") || "\u2205";
const shortened = (text) => ([...text].length > 12 ? [...text].slice(0, 11).join("") + "\u2026" : text);
const percent = (weight) => (Number.isNaN(weight) ? "not a number" : decimals(100 * weight, weight < 0.0995 ? 1 : 0) + " %");

class AttentionView {
  constructor(section) {
    // A row for each query, a column for each key; the same tokens where a text looks at itself.
    this.cross = "keys" in section;
    this.queries = section.tokens;
    this.keys = section.keys ?? section.tokens;
    this.rows = this.queries.length;
    this.columns = this.keys.length;
    this.maps = section.maps.map((map) => ({...map, weights: decodeWeights(map.weights)}));
    const n = this.columns;
    this.causal = !this.cross && n > 1 && this.maps.every((map) => map.weights.every((weight, i) => weight === 0 || i % n <= Math.floor(i / n)));
    this.title = el("h3", {"aria-live": "polite"});
    this.facts = el("dl", {class: "facts"});
    this.plot = el("div", {class: "plot"});
    this.readout = el("p", {class: "readout", "aria-live": "polite"});
    this.queryStrip = this.cross && this.makeStrip(this.queries, "The tokens being written", (i) => this.point(i, null));
    this.keyStrip = this.makeStrip(this.keys, "The text, coloured by what the chosen token looks at",
      (i) => (this.cross ? this.point(this.query, i) : this.point(i, null)));
    this.heads = this.maps.length > 1 && this.makeGrid();
    const columns = distinct(this.maps.map((map) => map.head)).length;
    const layout = !this.heads ? " alone" : columns > 8 ? " wide" : "";
    this.detail = el("div", {class: "detail"}, this.title, this.facts, this.plot, this.scale(), this.readout,
      this.queryStrip && this.queryStrip.node, this.keyStrip.node);
    this.node = el("div", {class: "card"},
      el("div", {class: "attention" + layout}, el("div", {}, this.heads, !this.cross && this.patterns()), this.detail));
    this.selected = this.shown = this.maps[0];
    repaints.push(() => this.paintAll());
    this.paintHeads();
    this.show(this.selected);
    onWidth(this.plot, (width) => { this.width = width; this.draw(); });
  }

  makeGrid() {
    const layers = distinct(this.maps.map((map) => map.layer));
    const heads = distinct(this.maps.map((map) => map.head));
    const crowded = heads.length > 8;
    const named = !crowded && this.maps.some((map) => map.label);
    const grid = el("div", {class: "heads", role: "group", "aria-label": "All heads, a row for each layer",
      style: `grid-template-columns: max-content repeat(${heads.length}, minmax(${crowded ? 30 : 44}px, 1fr))`,
      onpointerleave: () => this.show(this.selected), onkeydown: (event) => this.moveInGrid(event)});
    grid.append(el("span", {class: "axis layer"}, crowded && "head"),
      ...heads.map((head) => el("span", {class: "axis"}, crowded ? head : `head ${head}`)));
    for (const layer of layers) {
      grid.append(el("span", {class: "axis layer"}, `layer ${layer}`));
      for (const head of heads) {
        const map = this.maps.find((one) => one.layer === layer && one.head === head);
        grid.append(map ? this.makeHead(map, named) : el("span"));
      }
    }
    return grid;
  }

  makeHead(map, named) {
    map.canvas = el("canvas", {width: this.columns, height: this.rows, style: `aspect-ratio: ${this.columns} / ${this.rows}`,
      class: this.columns <= 32 ? "pixels" : null});
    map.button = el("button", {type: "button", class: "head", "aria-pressed": "false",
      "aria-label": this.nameOf(map) + (map.label ? `: ${map.label}` : ""),
      title: map.label || null,
      onpointerenter: (event) => event.pointerType === "mouse" && this.show(map),
      onclick: () => {
        this.selected = map;
        this.show(map);
        this.detail.scrollIntoView({block: "nearest"});
      }},
      map.canvas, named && el("small", {}, map.label || "\u00a0"));
    return map.button;
  }

  // Arrow keys go from head to head as they lie in the grid.
  moveInGrid(event) {
    const [down, right] = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key] ?? [0, 0];
    const to = this.maps.find((map) => map.layer === this.selected.layer + down && map.head === this.selected.head + right);
    if (!(down || right) || !to) return;
    event.preventDefault();
    this.selected = to;
    this.show(to);
    to.button.focus();
  }

  makeStrip(tokens, label, choose) {
    const spans = tokens.map((token, i) => el("span",
      {onpointerenter: () => choose(i), class: /^\s*$/.test(token) ? "space" : null}, seen(token)));
    // Word pieces carry no spaces: they are set apart, but for those that continue a word.
    const pieces = tokens.some((token) => [...token].length > 1) && !tokens.some((token) => /\s/.test(token));
    const gap = (next) => (pieces && next && !next.startsWith("##") ? " " : el("wbr"));
    const withBreaks = spans.flatMap((span, i) => [span, tokens[i].includes("\n") ? el("br") : gap(tokens[i + 1])]);
    return {spans, node: el("div", {class: "strip", "aria-label": label}, withBreaks)};
  }

  scale() {
    const marks = [0, 0.05, 0.25, 0.5, 1];
    return el("div", {class: "scale", "aria-hidden": "true"}, "weight",
      el("div", {class: "bar"}, marks.map((mark) => el("span", {style: `left:${100 * Math.sqrt(mark)}%`}, `${100 * mark}%`))));
  }

  patterns() {
    const item = ([look, meaning]) => el("li", {}, el("b", {}, look), meaning);
    const before = ["A line just below the diagonal", ": the head looks at the token before."];
    const stripe = "when it has nothing to look for.";
    const list = this.causal
      ? [before,
        ["A strong first column", `: it rests on the first token ${stripe}`],
        ["Lines further off, along the diagonal", ": it looks back to where the same text stood before."]]
      : [before,
        ["A line just above it", ": it looks at the token after."],
        ["A strong column", `, often a mark or a full stop: it rests there ${stripe}`],
        ["Blocks", ": tokens look at their own phrase or text."]];
    return el("ul", {class: "reading"}, list.map(item));
  }

  nameOf(map) { return `Layer ${map.layer}, head ${map.head}`; }

  paintHeads() {
    const colours = heatColours();
    for (const map of this.maps) if (map.canvas) paint(map.canvas, map.weights, this.causal, colours);
  }

  paintAll() {
    this.paintHeads();
    this.paintDetail();
    this.tint();
  }

  paintDetail() {
    if (!this.image) return;
    const canvas = el("canvas", {width: this.columns, height: this.rows});
    paint(canvas, this.shown.weights, this.causal, heatColours());
    this.image.setAttribute("href", canvas.toDataURL());
  }

  show(map) {
    this.shown = map;
    for (const each of this.maps) each.button?.setAttribute("aria-pressed", each === this.selected);
    this.title.replaceChildren(this.nameOf(map), map.label ? el("span", {}, ` \u00b7 ${map.label}`) : "");
    this.facts.replaceChildren(...map.statistics.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
    this.paintDetail();
    this.point(this.query ?? this.rows - 1, this.key ?? null);
  }

  draw() {
    const rowLabels = this.queries.map((token) => shortened(seen(token)));
    const columnLabels = this.keys.map((token) => shortened(seen(token)));
    const longest = (labels) => Math.max(...labels.map((label) => [...label].length));
    const font = clamp(this.width / (this.columns + 6) * 1.1, 8, 13);
    this.left = Math.ceil(24 + longest(rowLabels) * font * 0.62);
    this.top = Math.ceil(24 + longest(columnLabels) * font * 0.62);
    this.cell = Math.min(44, (this.width - this.left - 2) / this.columns);
    if (this.cell >= 3) this.cell = Math.floor(this.cell);  // whole pixels: every cell the same size
    const width = this.cell * this.columns, height = this.cell * this.rows;
    this.size = this.left + width + 2;
    this.image = svg("image", {class: "pixels", x: this.left, y: this.top, width, height});
    this.cursor = svg("g");
    const every = Math.max(1, Math.ceil(font * 0.8 / this.cell));
    this.rowNames = rowLabels.map((label, i) => svg("text", {x: this.left - 5, y: this.top + (i + 0.5) * this.cell + font * 0.35,
      "text-anchor": "end", "font-size": font, opacity: i % every ? 0 : 1}, label));
    this.columnNames = columnLabels.map((label, i) => {
      const x = this.left + (i + 0.5) * this.cell, y = this.top - 6;
      const place = longest(columnLabels) > 1 ? {transform: `translate(${x + font * 0.35} ${y}) rotate(-90)`} : {x, y, "text-anchor": "middle"};
      return svg("text", {...place, "font-size": font, opacity: i % every ? 0 : 1}, label);
    });
    const root = svg("svg", {style: `max-width:${this.size}px`, viewBox: `0 0 ${this.size} ${this.top + height + 2}`, tabindex: 0, role: "img",
      "aria-label": "Attention weights of this head. Arrow keys move from cell to cell and read each weight."},
      svg("text", {class: "title", x: this.left, y: 11}, "looks at \u2192"),
      height > 130 && svg("text", {class: "title", transform: `translate(11 ${this.top}) rotate(-90)`, "text-anchor": "end"},
        `\u2190 token being ${this.cross ? "written" : "read"}`),
      this.rowNames, this.columnNames, this.image, this.cursor);
    root.addEventListener("pointermove", (event) => this.pointAt(event, root));
    root.addEventListener("pointerdown", (event) => this.pointAt(event, root));
    root.addEventListener("keydown", (event) => this.moveInPlot(event));
    this.plot.replaceChildren(root);
    this.paintDetail();
    this.point(this.query, this.key);
  }

  pointAt(event, root) {
    const box = root.getBoundingClientRect();
    const place = (at, edge, count) => clamp(Math.floor((at / box.width * this.size - edge) / this.cell), 0, count - 1);
    this.point(place(event.clientY - box.top, this.top, this.rows), place(event.clientX - box.left, this.left, this.columns));
  }

  moveInPlot(event) {
    const [down, right] = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key] ?? [0, 0];
    if (!(down || right)) return;
    event.preventDefault();
    const key = this.key ?? (this.cross ? 0 : this.query);
    this.point(clamp(this.query + down, 0, this.rows - 1), clamp(key + right, 0, this.columns - 1));
  }

  // Chooses a row and, unless null, a cell in it; without a cell the readout names the strongest.
  point(query, key) {
    if (this.rows === 0 || this.columns === 0) return;
    this.query = query;
    this.key = key;
    const row = this.rowOf(query);
    const named = key ?? row.reduce((best, weight, i) => (weight > row[best] ? i : best), 0);
    this.readout.replaceChildren(...this.sentence(query, named, row[named], key === null));
    this.tint();
    if (this.image) this.mark(query, named);
  }

  rowOf(query) { return this.shown.weights.subarray(query * this.columns, (query + 1) * this.columns); }

  sentence(query, key, weight, strongest) {
    const token = (text) => el("span", {class: "token"}, seen(text));
    const from = token(this.queries[query]), to = token(this.keys[key]);
    if (this.causal && key > query) return [from, ` (position ${query}) cannot see `, to, ` (position ${key}): it comes later in the text.`];
    const own = !this.cross && key === query ? " itself" : ` (position ${key})`;
    return [from, ` (position ${query}) gives `, el("b", {}, percent(weight)), " of its attention to ", to, own,
      strongest ? ", more than to any other." : "."];
  }

  tint() {
    const colours = heatColours();
    const row = this.rowOf(this.query);
    this.keyStrip.spans.forEach((span, i) => {
      const weight = row[i];
      const visible = weight > 0.004;
      span.style.background = visible ? `rgb(${colours.of(weight)})` : "";
      const [r, g, b] = visible ? colours.of(weight) : [0, 0, 0];
      span.style.color = visible ? (0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#101520" : "#ffffff") : "";
      span.style.opacity = visible ? 1 : "";
    });
    (this.queryStrip || this.keyStrip).spans.forEach((span, i) => span.classList.toggle("on", i === this.query));
  }

  mark(query, key) {
    const {cell, left, top} = this;
    this.cursor.replaceChildren(
      svg("rect", {class: "band", x: left, y: top + query * cell, width: this.columns * cell, height: cell}),
      svg("rect", {class: "cell", x: left + key * cell, y: top + query * cell, width: cell, height: cell}));
    this.rowNames.forEach((name, i) => name.classList.toggle("on", i === query));
    this.columnNames.forEach((name, i) => name.classList.toggle("on", i === key));
  }
}
)js";

}  // namespace attune::train::page
