#include "page.h"

namespace attune::train::page {

const std::string_view style_sections = R"css(
figure { margin: 0; }
.chart { position: relative; }
.chart .top { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: center; justify-content: space-between; }
.chart .note { margin: 2px 0 0; font-size: 14px; }
.chart svg { display: block; width: 100%; height: auto; margin-top: 8px; touch-action: pan-y; border-radius: 6px; }
.chart text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.chart .grid { stroke: var(--faint); }
.chart .axis { stroke: var(--line); }
.chart .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .raw { fill: none; stroke-width: 1; opacity: 0.35; }
.chart .cross { stroke: var(--soft); stroke-dasharray: 3 3; }
.chart .mark { stroke: var(--card); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 8px; margin: 8px 0 0 -8px; padding: 0; list-style: none; font-size: 14px; }
.legend button { display: flex; gap: 8px; align-items: center; padding: 2px 8px; border: 0; border-radius: 6px; background: none; cursor: pointer; }
.legend button:hover { background: var(--faint); }
.legend button[aria-pressed="false"] { color: var(--soft); text-decoration: line-through; }
.legend button[aria-pressed="false"] .swatch { opacity: 0.25; }
.legend .last { color: var(--soft); font-variant-numeric: tabular-nums; }
.swatch { display: inline-block; flex: none; width: 16px; height: 3px; border-radius: 2px; }
.swatch.dots { height: 9px; width: 9px; border-radius: 50%; margin: 0 3px; }
.controls label { display: flex; gap: 8px; align-items: center; font-size: 14px; color: var(--soft); cursor: pointer; }
.controls input { width: 16px; height: 16px; margin: 0; accent-color: var(--accent); }
.tooltip { position: absolute; z-index: 2; top: 0; left: 0; pointer-events: none; min-width: 132px; padding: 7px 11px;
  border: 1px solid var(--line); border-radius: 8px; background: var(--card); box-shadow: 0 4px 16px rgb(0 0 0 / 0.16);
  font-size: 13px; line-height: 1.5; font-variant-numeric: tabular-nums; }
.tooltip b { display: block; font-weight: 600; }
.tooltip div { display: flex; gap: 8px; align-items: center; white-space: nowrap; }
.tooltip div span:last-child { margin-left: auto; padding-left: 10px; font-weight: 600; }

.samples { list-style: none; margin: 18px 0 0; padding: 0; }
.sample { position: relative; display: grid; grid-template-columns: 118px minmax(0, 1fr); gap: 0 30px; padding-bottom: 18px; }
.sample::before { content: ""; position: absolute; left: 132px; top: 8px; bottom: -8px; width: 2px; background: var(--line); }
.sample:last-child::before { display: none; }
.sample::after { content: ""; position: absolute; left: 127px; top: 8px; width: 12px; height: 12px; border-radius: 50%;
  background: var(--page); border: 2px solid var(--accent); }
.sample:last-child::after { background: var(--accent); }
.sample .when { text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.4; padding-top: 2px; }
.sample .when small { display: block; font-weight: 400; font-size: 13px; color: var(--soft); }
.sample pre { margin: 0; max-height: 15.5em; overflow: auto; font: 13.5px/1.55 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.sample pre.cut { mask-image: linear-gradient(#000 calc(100% - 3.2em), transparent); }
.more { margin: 0 0 18px 148px; padding: 6px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); cursor: pointer; font-size: 14px; }
.more:hover { border-color: var(--accent); color: var(--accent); }

.attention { display: grid; gap: 26px; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); align-items: start; }
.attention.wide { grid-template-columns: minmax(0, 11fr) minmax(0, 9fr); }
.attention.alone { grid-template-columns: minmax(0, 680px); }
.attention > * { min-width: 0; }
.heads { display: grid; gap: 8px; overflow-x: auto; padding: 3px; align-items: center; }
.wide .heads { gap: 4px; }
.wide .head { padding: 1px; border-radius: 4px; }
.heads .axis { font-size: 12.5px; color: var(--soft); text-align: center; white-space: nowrap; }
.heads .axis.layer { text-align: right; padding-right: 4px; }
.head { display: block; width: 100%; padding: 3px; border: 1px solid var(--line); border-radius: 7px; background: none; cursor: pointer; }
.head:hover { border-color: var(--accent); }
.head[aria-pressed="true"] { border-color: var(--accent); box-shadow: 0 0 0 1.5px var(--accent); }
.head canvas { display: block; width: 100%; border-radius: 3px; }
.head small { display: block; margin-top: 2px; font-size: 11px; line-height: 1.3; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pixels { image-rendering: pixelated; }
.detail { position: sticky; top: 12px; scroll-margin: 12px; }
.detail h3 span { font-weight: 400; color: var(--soft); }
.detail .plot { margin-top: 10px; }
.detail .plot svg { display: block; width: 100%; height: auto; cursor: crosshair; touch-action: pan-y; }
.detail .plot text { fill: var(--soft); font-family: var(--mono); }
.detail .plot text.on { fill: var(--accent); font-weight: 700; }
.detail .plot text.title { font-family: inherit; font-size: 12.5px; }
.detail .band { fill: none; stroke: var(--accent); stroke-opacity: 0.75; }
.detail .cell { fill: none; stroke: var(--c1); stroke-width: 2; }
.readout { min-height: 3.2em; margin: 10px 0 0; font-size: 15px; }
.readout .token { padding: 0 4px; border-radius: 4px; background: var(--faint); font-family: var(--mono); white-space: pre; }
.scale { display: flex; gap: 10px; align-items: start; margin-top: 4px; font-size: 12px; color: var(--soft); }
.scale .bar { position: relative; flex: 0 1 240px; height: 12px; margin-bottom: 20px; border-radius: 3px;
  background: linear-gradient(90deg, var(--heat-0), var(--heat-1), var(--heat-2), var(--heat-3), var(--heat-4)); }
.scale .bar span { position: absolute; top: 14px; transform: translateX(-50%); }
.scale .bar span:first-child { transform: none; }
.strip { margin-top: 10px; padding: 10px 12px; border-radius: 8px; background: var(--faint); font: 14px/1.9 var(--mono); overflow-wrap: anywhere; }
.strip span { padding: 2px 0.5px; border-radius: 3px; cursor: default; white-space: pre-wrap; }
.strip .on { outline: 2px solid var(--c1); }
.strip .space { color: var(--soft); opacity: 0.75; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 6px 0 0; font-size: 14px; }
.facts div { display: flex; gap: 6px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.reading { margin: 18px 0 0; padding: 0 0 0 1.15em; font-size: 14px; line-height: 1.45; color: var(--soft); }
.reading li { margin: 5px 0; }
.reading b { color: var(--ink); font-weight: 600; }

@media (max-width: 860px) {
  .attention, .attention.wide { grid-template-columns: minmax(0, 1fr); }
  .detail { position: static; }
}
@media (max-width: 560px) {
  .sample { grid-template-columns: minmax(0, 1fr); gap: 4px; padding-left: 24px; }
  .sample .when { text-align: left; }
  .sample .when small { display: inline; margin-left: 8px; }
  .sample::before { left: 5px; }
  .sample::after { left: 0; }
  .sample pre.cut { mask-image: linear-gradient(#000 calc(100% - 3.2em), transparent); }
.more { margin-left: 24px; }
}
@media print {
  .sample pre { max-height: none; overflow: visible; mask-image: none !important; }
  .heads, .plot { break-inside: avoid; }
}
)css";

}  // namespace attune::train::page
