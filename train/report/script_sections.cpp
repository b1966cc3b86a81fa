#include "page.h"

namespace attune::train::page {

const std::string_view script_sections = R"js(
function header(data) {
  const entry = ([key, value]) => el("div", {class: value.length > 34 ? "long" : null}, el("dt", {}, key), el("dd", {}, value));
  const tile = ([name, value, meaning]) => el("div", {class: "card tile"},
    el("div", {class: "name"}, name), el("div", {class: "value"}, value), meaning && el("div", {class: "meaning"}, meaning));
  return el("header", {}, el("h1", {}, data.title), data.lead && el("p", {class: "lead"}, data.lead),
    data.config.length > 0 && el("dl", {class: "config"}, data.config.map(entry)),
    data.tiles.length > 0 && el("div", {class: "tiles"}, data.tiles.map(tile)));
}

function runSeries(run, name, column, dots = false) {
  const present = range(run.step.length).filter((i) => column[i] != null);
  return {name, dots, x: present.map((i) => run.step[i]), y: present.map((i) => column[i])};
}

function learning(run, item) {
  const losses = [runSeries(run, "training", run.train), runSeries(run, "validation", run.val, true)];
  const rates = [runSeries(run, "learning rate", run.lr)];
  const speeds = [runSeries(run, "tokens a second", run.speed)];
  const has = (series) => series.some((one) => one.y.length > 0);
  const chart = (spec) => new LineChart({xLabel: "step", ...spec}).node;
  const validated = losses[1].y.length > 0;
  return el("section", {class: "stack"}, el("h2", {}, "How it learned"),
    run.broken != null && el("p", {class: "alarm"}, `Training went wrong: from step ${readable(run.broken)} on, a loss was not a finite number.`),
    el("p", {class: "note"}, `The loss says how surprised the model is by ${item === "token" ? "each next token" : `the answer for each ${item}`}; lower is better, and 0 would be certainty. `
      + (validated ? "Validation is measured on text that the model never trains on: if that curve turns upwards while training goes on down, the model is memorising." : "")
      + (run.bucket > 1 ? ` Each point is a mean over ${run.bucket} logged steps.` : "")),
    has(losses) && chart({title: "Loss", yLabel: `nats a ${item}`, series: losses, smooth: true, tall: true}),
    (has(rates) || has(speeds)) && el("div", {class: "row"},
      has(rates) && chart({title: "Learning rate", note: "How large a step the optimizer takes.", yLabel: "", series: rates, fromZero: true}),
      has(speeds) && chart({title: "Throughput", note: "Tokens trained on in a second.", yLabel: "", series: speeds, fromZero: true, smooth: true})));
}

// The loss measured at a step, or so near to it that a reader of the curve sees no difference.
function lossAt(run, step) {
  if (!run) return null;
  const near = (run.step.at(-1) - run.step[0]) / 100;
  for (const [name, column] of [["validation loss", run.val], ["training loss", run.train]]) {
    const at = nearest({x: run.step, y: column}, step);
    if (at >= 0 && Math.abs(run.step[at] - step) <= near) return `${name} ${decimals(column[at], 2)}`;
  }
  return null;
}

function samples(all, run) {
  const most = 6;
  const chosen = new Set(range(most).map((i) => Math.round(i * (all.length - 1) / (most - 1))));
  const item = (sample, i) => {
    const text = el("pre", {}, sample.text);
    const hint = () => text.classList.toggle("cut", text.scrollTop + text.clientHeight < text.scrollHeight - 2);
    text.addEventListener("scroll", hint);
    onWidth(text, () => { hint(); if (text.scrollHeight > text.clientHeight + 2) text.tabIndex = 0; });
    return el("li", {class: "sample", hidden: all.length > most && !chosen.has(i)},
      el("div", {class: "when"}, `step ${readable(sample.step)}`, el("small", {}, lossAt(run, sample.step))),
      el("div", {class: "card"}, text));
  };
  const items = all.map(item);
  const more = all.length > most && el("button", {type: "button", class: "more controls",
    onclick: () => { items.forEach((one) => { one.hidden = false; }); more.remove(); }}, `Show all ${all.length} samples`);
  return el("section", {}, el("h2", {}, "What it wrote"),
    el("p", {class: "note"}, "Text that the model made up as training went on, from its first guesses to its last."),
    el("ol", {class: "samples"}, items), more);
}

// What has been explained once needs no second telling further down.
const explained = new Set();

function attention(section) {
  const view = new AttentionView(section);
  const many = view.maps.length > 1;
  const explain = !explained.has(view.cross);
  explained.add(view.cross);
  return el("section", {class: "stack"}, el("h2", {}, section.title), paragraphs(section.note, "note"),
    explain && el("p", {class: "note"}, (many ? "Each picture is one attention head at work on the text below it. " : "")
      + (view.cross ? "A row is a token being written, a column a token of the other text that it may look at; "
        : "A row is a token being read, a column a token it may look at; ")
      + "the stronger the colour, the more of its attention the row gives to the column. Every row shares out 100 %."
      + (view.causal ? " The model only looks back, so the upper right stays empty." : "")
      + (many ? " Point at a picture to enlarge it, click to keep it." : "") + " Point at a cell or at the text to read single weights."),
    view.node);
}

const renderers = {
  attention,
  chart: (section) => el("section", {class: "stack"}, el("h2", {}, section.title), paragraphs(section.note, "note"),
    new LineChart({title: section.y_label || section.title, xLabel: section.x_label, yLabel: "", series: section.series, tall: true}).node),
  text: (section) => el("section", {}, el("h2", {}, section.title), paragraphs(section.body)),
};

const readJson = (id) => JSON.parse(document.getElementById(id).textContent);
const data = readJson("data");
document.getElementById("page").append(header(data),
  ...(data.run ? [learning(data.run, data.item)] : []),
  ...(data.samples.length > 0 ? [samples(data.samples, data.run)] : []),
  ...readJson("sections").map((section) => renderers[section.kind](section)),
  el("footer", {}, "Made by attune. This file is complete in itself and loads nothing from the network."));
)js";

}  // namespace attune::train::page
