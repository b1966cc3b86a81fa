#include "page.h"

namespace attune::train::page {

const std::string_view script_base = R"js(
// Text only ever becomes text nodes and attributes, so that no content can become markup.
function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}
const el = (name, attributes = {}, ...children) => build(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

const range = (n) => Array.from({length: n}, (_, i) => i);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);
const paragraphs = (text, className) =>
  text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) => el("p", {class: className}, part.trim()));

function decimals(value, digits) {
  return value.toLocaleString("en-US", {useGrouping: Math.abs(value) >= 1e4, minimumFractionDigits: digits, maximumFractionDigits: digits});
}

const exponential = (value, digits) => value.toExponential(digits).replace(/\.?0*e\+?/, "e");

// A number to be read: four significant digits, thousands separated, no long rows of zeros.
function readable(value) {
  if (value == null || !Number.isFinite(value)) return "\u2013";
  if (Math.abs(value) >= 1e12) return exponential(value, 3);
  if (Number.isInteger(value)) return decimals(value, 0);
  value = Number(value.toPrecision(4));
  const size = Math.abs(value);
  if (size >= 1000) return decimals(value, 0);
  if (size < 1e-3) return value.toExponential(2).replace(/\.?0+e/, "e");
  return decimals(value, clamp(3 - Math.floor(Math.log10(size)), 0, 6));
}

// Round values that divide [low, high] into about `count` parts.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return {step, values: range(last - first + 1).map((i) => (first + i) * step)};
}

function tickText(value, step, highest) {
  if (value === 0) return "0";
  if (highest >= 1e10) return exponential(value, clamp(Math.ceil(Math.log10(highest / step)), 1, 6));
  if (highest >= 1e6) return decimals(value / 1e6, step < 1e6 ? (step < 1e5 ? 2 : 1) : 0) + "M";
  if (highest >= 2e4) return decimals(value / 1e3, step < 1e3 ? 1 : 0) + "k";
  if (highest < 1e-3) return value.toExponential(1).replace(".0e", "e");
  return decimals(value, clamp(Math.ceil(-Math.log10(step) - 1e-9) + (/^2\.?5/.test(step.toExponential()) ? 1 : 0), 0, 6));
}

// Colours that are drawn on a canvas do not follow the style sheet by themselves.
const repaints = [];
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => repaints.forEach((repaint) => repaint()));
}

// Calls draw(width) now and whenever the width of the node changes.
function onWidth(node, draw) {
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.floor(node.clientWidth);
    if (now === width || now === 0) return;
    width = now;
    requestAnimationFrame(() => draw(width));
  }).observe(node);
}
)js";

}  // namespace attune::train::page
