#include "page.h"

namespace attune::train::page {

const std::string_view style = R"css(
:root {
  --page: #f4f5f7; --card: #ffffff; --ink: #171c26; --soft: #566071; --line: #dfe3ea; --faint: #eceff4;
  --accent: #1f5fcc; --focus: #1f5fcc; --alarm: #b3261e;
  --c0: #1f5fcc; --c1: #c2540a; --c2: #0f7f6b; --c3: #8a3fc0; --c4: #b0236a; --c5: #6b7280; --c6: #8a7400; --c7: #147ab5;
  --heat-0: #eef3fb; --heat-1: #c3d7f6; --heat-2: #7ea9ec; --heat-3: #2f6bd0; --heat-4: #0b2a6b; --heat-nan: #d5382c;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0f1217; --card: #171b22; --ink: #e8ebf1; --soft: #9da7b6; --line: #2b323d; --faint: #212731;
    --accent: #82b1ff; --focus: #82b1ff; --alarm: #ff8a80;
    --c0: #6ea5ff; --c1: #f39a55; --c2: #4bc6ae; --c3: #c08cf0; --c4: #f07fb1; --c5: #9aa3b2; --c6: #d6bd45; --c7: #5fc3f5;
    --heat-0: #1d2633; --heat-1: #23446f; --heat-2: #2f74c9; --heat-3: #7cb5ff; --heat-4: #eef6ff; --heat-nan: #ff6a5e;
  }
}

* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 32px; }
noscript { display: block; max-width: 640px; margin: 40px auto; padding: 0 24px; }
h1, h2, h3 { line-height: 1.2; text-wrap: balance; }
h1 { margin: 0; font-size: clamp(28px, 5vw, 40px); letter-spacing: -0.02em; font-weight: 700; }
h2 { margin: 52px 0 6px; font-size: 24px; letter-spacing: -0.01em; }
h3 { margin: 0; font-size: 16px; font-weight: 600; }
p { margin: 0 0 10px; max-width: 72ch; white-space: pre-line; }
button { font: inherit; color: inherit; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.lead { margin: 10px 0 0; font-size: 18px; color: var(--soft); }
.note { color: var(--soft); font-size: 15px; }
.alarm { color: var(--alarm); font-weight: 600; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; }
.row { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
.row > * { min-width: 0; }
.stack > * + * { margin-top: 16px; }

.config { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 165px), 1fr)); gap: 14px 20px;
  margin: 26px 0 0; padding: 20px 0 0; border-top: 1px solid var(--line); }
.config div { min-width: 0; }
.config dt { font-size: 13px; color: var(--soft); }
.config dd { margin: 1px 0 0; font-size: 15px; font-weight: 600; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.config .long { grid-column: span 2; }

.tiles { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 190px), 1fr)); margin: 28px 0 0; }
.tile { padding: 16px 18px 15px; }
.tile .name { font-size: 14px; color: var(--soft); }
.tile .value { font-size: 32px; line-height: 1.25; font-weight: 680; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tile:first-child .value { color: var(--accent); }
.tile .meaning { font-size: 13px; line-height: 1.4; color: var(--soft); }

footer { margin-top: 56px; padding-top: 16px; border-top: 1px solid var(--line); font-size: 13px; color: var(--soft); }

@media (max-width: 560px) {
  main { padding: 24px 14px 24px; }
  h2 { margin-top: 40px; }
  .card { padding: 14px 14px; border-radius: 10px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
  .tile { padding: 12px 13px; }
  .tile .value { font-size: 25px; }
  .config { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px 14px; }
  .config dd { font-size: 14px; }
}
@media print {
  body { background: none; font-size: 11pt; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 24pt; }
  .card, .tile, .sample { break-inside: avoid; }
  .controls, .tooltip { display: none !important; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace attune::train::page
