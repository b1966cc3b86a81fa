#include "page.h"

namespace attune::train::page {

const std::string_view script_chart = R"js(
// A straight line fitted to the neighbours of each point, weighted by nearness: unlike a running
// mean it neither lags where the curve is steep nor frays at the ends. Gaps stay gaps.
function smoothed(values) {
  const reach = Math.round(clamp(values.length / 25, 3, 100));
  return values.map((value, at) => {
    if (value == null) return null;
    let w = 0, wx = 0, wxx = 0, wy = 0, wxy = 0;
    for (let i = Math.max(at - reach, 0); i <= Math.min(at + reach, values.length - 1); ++i) {
      if (values[i] == null) continue;
      const x = i - at, weight = reach + 1 - Math.abs(x);
      w += weight;
      wx += weight * x;
      wxx += weight * x * x;
      wy += weight * values[i];
      wxy += weight * x * values[i];
    }
    const spread = w * wxx - wx * wx;
    return spread > 0 ? (wxx * wy - wx * wxy) / spread : wy / w;
  });
}

// Points of a series that can be drawn, in order of x.
function cleaned(series, index) {
  const points = range(series.x.length).filter((i) => Number.isFinite(series.x[i]) && series.x[i] != null);
  return {
    name: series.name, dots: series.dots, colour: `var(--c${index % 8})`, shown: true,
    x: points.map((i) => series.x[i]), y: points.map((i) => series.y[i] ?? null),
  };
}

function pathOf(xs, ys, toX, toY) {
  let path = "", pen = false;
  xs.forEach((x, i) => {
    if (ys[i] == null) { pen = false; return; }
    path += `${pen ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[i]).toFixed(1)}`;
    pen = true;
  });
  return path;
}

// The index of the point nearest to x among those that have a value, or -1.
function nearest(series, x) {
  let best = -1;
  series.x.forEach((at, i) => {
    if (series.y[i] != null && (best < 0 || Math.abs(at - x) < Math.abs(series.x[best] - x))) best = i;
  });
  return best;
}

class LineChart {
  constructor(spec) {
    this.spec = spec;
    this.series = spec.series.map(cleaned).filter((series) => series.y.some((y) => y != null));
    this.smooth = spec.smooth && this.series.some((series) => series.y.length >= 60);
    this.tooltip = el("div", {class: "tooltip", role: "status", hidden: true});
    this.canvas = el("div");
    this.legend = el("ul", {class: "legend"});
    this.node = el("figure", {class: "card chart"},
      el("div", {class: "top"}, el("h3", {}, spec.title), this.smooth && this.smoothing()),
      spec.note && el("p", {class: "note"}, spec.note),
      this.series.length > 1 && this.legend, this.canvas, this.tooltip);
    this.fillLegend();
    onWidth(this.canvas, (width) => { this.width = width; this.draw(); });
  }

  smoothing() {
    const box = el("input", {type: "checkbox", checked: true,
      onchange: () => { this.smooth = box.checked; this.draw(); }});
    return el("div", {class: "controls"}, el("label", {}, box, "Smooth"));
  }

  fillLegend() {
    for (const series of this.series) {
      const last = series.y.filter((y) => y != null).at(-1);
      const button = el("button", {type: "button", "aria-pressed": "true", title: "Show or hide this line",
        onclick: () => {
          series.shown = !series.shown;
          button.setAttribute("aria-pressed", series.shown);
          this.draw();
        }},
        el("span", {class: "swatch" + (series.dots ? " dots" : ""), style: `background:${series.colour}`}),
        series.name, el("span", {class: "last"}, readable(last)));
      this.legend.append(el("li", {}, button));
    }
  }

  measure() {
    this.visible = this.series.filter((series) => series.shown);
    for (const series of this.series) {
      series.line = this.smooth && !series.dots && series.y.length >= 60 ? smoothed(series.y) : series.y;
    }
    const xs = this.visible.flatMap((series) => series.x);
    const ys = this.visible.flatMap((series) => series.y).filter((y) => y != null);
    let [low, high] = ys.length ? [ys.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.max(a, b))] : [0, 1];
    if (this.spec.fromZero) low = Math.min(low, 0);
    const pad = (high - low || Math.abs(high) || 1) * 0.05;
    this.low = low === 0 ? 0 : low - pad;
    this.high = high + pad;
    this.left = xs.length ? xs.reduce((a, b) => Math.min(a, b)) : 0;
    this.right = xs.length ? xs.reduce((a, b) => Math.max(a, b)) : 1;
    if (this.left === this.right) this.right = this.left + 1;
  }

  draw() {
    this.measure();
    const {width, spec} = this;
    const height = Math.round(clamp(width * (spec.tall ? 0.4 : 0.5), 190, spec.tall ? 380 : 240));
    const vertical = ticks(this.low, this.high, height / 52);
    const names = vertical.values.map((value) => tickText(value, vertical.step, Math.max(Math.abs(this.low), this.high)));
    const margin = {left: 12 + 7 * Math.max(...names.map((name) => name.length)), right: 20, top: 20, bottom: 40};
    const toX = (x) => margin.left + (x - this.left) / (this.right - this.left) * (width - margin.left - margin.right);
    const toY = (y) => height - margin.bottom - (y - this.low) / (this.high - this.low) * (height - margin.top - margin.bottom);
    const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "img", "aria-label": this.summary()});
    vertical.values.forEach((value, i) => root.append(
      svg("line", {class: "grid", x1: margin.left, x2: width - margin.right, y1: toY(value), y2: toY(value)}),
      svg("text", {x: margin.left - 8, y: toY(value) + 4, "text-anchor": "end"}, names[i])));
    const horizontal = ticks(this.left, this.right, clamp(width / 110, 2, 10));
    for (const value of horizontal.values) {
      root.append(svg("text", {x: toX(value), y: height - margin.bottom + 18, "text-anchor": "middle"},
        tickText(value, horizontal.step, this.right)));
    }
    root.append(
      svg("line", {class: "axis", x1: margin.left, x2: width - margin.right, y1: toY(this.low), y2: toY(this.low)}),
      svg("text", {x: width - margin.right, y: height - 4, "text-anchor": "end"}, spec.xLabel),
      svg("text", {x: 0, y: 10}, spec.yLabel));
    this.lines(root, toX, toY);
    this.cross = svg("g");
    root.append(this.cross);
    this.listen(root, toX, toY, margin);
    this.canvas.replaceChildren(root);
    this.leave();
  }

  lines(root, toX, toY) {
    for (const series of this.visible) {
      const stroke = `stroke:${series.colour}`;
      if (series.line !== series.y) root.append(svg("path", {class: "raw", style: stroke, d: pathOf(series.x, series.y, toX, toY)}));
      root.append(svg("path", {class: "curve", style: stroke, d: pathOf(series.x, series.line, toX, toY)}));
      const present = series.y.filter((y) => y != null).length;
      if (series.dots ? present <= 60 : present === 1) {
        series.x.forEach((x, i) => series.y[i] != null && root.append(
          svg("circle", {class: "mark", cx: toX(x), cy: toY(series.y[i]), r: 4.5, style: `fill:${series.colour}`})));
      }
    }
  }

  summary() {
    const parts = this.series.map((series) => {
      const values = series.y.filter((y) => y != null);
      return `${series.name} from ${readable(values[0])} to ${readable(values.at(-1))}`;
    });
    return `${this.spec.title}: ${parts.join(", ")}. Arrow keys read single points.`;
  }

  listen(root, toX, toY, margin) {
    const longest = this.visible.reduce((a, b) => (b.x.length > (a?.x.length ?? 0) ? b : a), null);
    if (!longest) return;
    const toData = (event) => {
      const box = root.getBoundingClientRect();
      const at = (event.clientX - box.left) / box.width * this.width;
      return this.left + (at - margin.left) / (this.width - margin.left - margin.right) * (this.right - this.left);
    };
    const show = (x) => this.read(longest.x[nearest(longest, x)], toX, toY);
    root.addEventListener("pointermove", (event) => show(toData(event)));
    root.addEventListener("pointerdown", (event) => show(toData(event)));
    root.addEventListener("pointerleave", () => this.leave());
    root.addEventListener("blur", () => this.leave());
    root.addEventListener("keydown", (event) => {
      const stride = event.shiftKey ? 10 : 1;
      const at = nearest(longest, this.at ?? this.right);
      const to = {ArrowLeft: at - stride, ArrowRight: at + stride, Home: 0, End: longest.x.length - 1}[event.key];
      if (to == null) { if (event.key === "Escape") this.leave(); return; }
      event.preventDefault();
      show(longest.x[clamp(to, 0, longest.x.length - 1)]);
    });
  }

  read(x, toX, toY) {
    this.at = x;
    const rows = [];
    this.cross.replaceChildren(svg("line", {class: "cross", x1: toX(x), x2: toX(x), y1: toY(this.high), y2: toY(this.low)}));
    for (const series of this.visible) {
      const i = nearest(series, x);
      const elsewhere = series.x[i] !== x ? ` (at ${readable(series.x[i])})` : "";
      const mean = series.line !== series.y ? `, mean ${readable(series.line[i])}` : "";
      rows.push(el("div", {}, el("span", {class: "swatch", style: `background:${series.colour}`}),
        el("span", {}, series.name + elsewhere), el("span", {}, readable(series.y[i]) + mean)));
      this.cross.append(svg("circle", {class: "mark", cx: toX(series.x[i]), cy: toY(series.line[i]), r: 5, style: `fill:${series.colour}`}));
    }
    this.tooltip.replaceChildren(el("b", {}, `${this.spec.xLabel} ${readable(x)}`), ...rows);
    this.tooltip.hidden = false;
    const beside = this.canvas.offsetLeft + toX(x);
    const room = this.node.clientWidth - this.tooltip.offsetWidth - 4;
    const left = beside + 16 <= room ? beside + 16 : beside - 16 - this.tooltip.offsetWidth;
    this.tooltip.style.left = `${clamp(left, 4, Math.max(room, 4))}px`;
    this.tooltip.style.top = `${this.canvas.offsetTop + 20}px`;
  }

  leave() {
    this.at = null;
    this.tooltip.hidden = true;
    this.cross.replaceChildren();
  }
}
)js";

}  // namespace attune::train::page
