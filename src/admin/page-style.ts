/** The page's looks, for light and dark. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f6f8, #0e1318);
  --card: light-dark(#ffffff, #171e25);
  --line: light-dark(#dfe5ea, #28323c);
  --ink: light-dark(#17222c, #e4eaef);
  --soft: light-dark(#586875, #93a3b1);
  --accent: light-dark(#0b6bcb, #58a6f5);
  --fill: light-dark(#0b6bcb1f, #58a6f52e);
  --good: light-dark(#0f7a43, #4cc38a);
  --good-bg: light-dark(#dff4e8, #12382a);
  --busy: light-dark(#8a5a00, #e5b454);
  --busy-bg: light-dark(#fdf0d3, #3b2e12);
  --bad: light-dark(#b3261e, #ff8a80);
  --bad-bg: light-dark(#fde5e3, #45201e);
  --quiet-bg: light-dark(#e9eef2, #26303a);
}
* { box-sizing: border-box; margin: 0; }
body {
  background: var(--ground); color: var(--ink); min-height: 100vh; display: flex; flex-direction: column;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
header {
  display: flex; align-items: center; gap: 12px; padding: 14px 28px;
  background: var(--card); border-bottom: 1px solid var(--line);
}
h1 { font-size: 18px; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 13px; font-weight: 600; color: var(--soft); }
.mark { width: 26px; height: 26px; fill: none; stroke: var(--ink); stroke-width: 1.8; stroke-linecap: round; }
.mark .gate { fill: var(--fill); stroke: var(--accent); }
.mark .water { stroke: var(--accent); }
#updated { margin-left: auto; color: var(--soft); font-size: 13px; }
main { padding: 20px 28px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 18px; width: 100%; max-width: 1500px; margin: 0 auto; }
.tiles { display: grid; gap: 14px; grid-template-columns: minmax(280px, 2fr) repeat(5, minmax(130px, 1fr)); }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 13px 16px 15px; position: relative; overflow: hidden; }
.tile b { display: block; margin-top: 6px; font-size: 26px; font-weight: 600; letter-spacing: -.02em; }
.tile small { font-size: 14px; font-weight: 500; color: var(--soft); margin-left: 3px; letter-spacing: 0; }
.tile .line { position: absolute; right: 0; bottom: 0; width: 66%; height: 52px; }
.card h2 { padding: 14px 16px 10px; font-size: 15px; color: var(--ink); }
.card h2 span { color: var(--soft); font-weight: 400; font-size: 13px; margin-left: 6px; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 7px 10px; text-align: left; white-space: nowrap; border-top: 1px solid var(--line); }
th { font-size: 12px; font-weight: 500; color: var(--soft); padding-top: 6px; padding-bottom: 6px; }
th:first-child, td:first-child { padding-left: 16px; }
th:last-child, td:last-child { padding-right: 16px; }
td, b { font-variant-numeric: tabular-nums; }
.n { text-align: right; }
td.name { font-weight: 600; max-width: 260px; overflow: hidden; text-overflow: ellipsis; }
tr.same td { border-top-color: transparent; }
tr.same td.name { color: transparent; user-select: none; }
td small { color: var(--soft); font-size: 12px; margin-left: 2px; }
td.none { color: var(--soft); }
td.spark { width: 110px; padding-top: 4px; padding-bottom: 4px; }
td.list { white-space: normal; }
.no-history .history { display: none; }
tr.note td { border-top-color: transparent; padding-top: 0; }
td.reason { white-space: normal; color: var(--bad); font-size: 13px; max-width: 560px; }
td.reason span { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
th.far, td.far { padding-left: 40px; }
td.empty { color: var(--soft); padding: 22px 16px; text-align: center; }
.line { display: block; width: 100px; height: 26px; }
.line path { fill: var(--fill); stroke: none; }
.line polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
td.shape { max-width: 220px; overflow: hidden; text-overflow: ellipsis; }
.one-input .input { display: none; }
th.chart, td.chart { padding-left: 24px; }
td.chart { width: 200px; padding-top: 3px; padding-bottom: 3px; }
.latencies { display: block; width: 176px; height: 40px; }
.latencies polyline { fill: none; stroke: var(--accent); stroke-width: 1.2; opacity: .55; }
.latencies .floor { stroke: var(--line); }
.latencies .knee { stroke: var(--soft); stroke-dasharray: 2 3; }
.latencies .dot { stroke: var(--accent); stroke-width: 1.3; }
.latencies .ran .dot { fill: var(--accent); }
.latencies .measured .dot { fill: var(--card); }
.latencies .reach { fill: transparent; }
.legend { white-space: nowrap; }
.legend .latencies { display: inline-block; width: 10px; height: 10px; margin: 0 5px 0 8px; }
.pill {
  display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 12px; font-weight: 600;
  background: var(--quiet-bg); color: var(--soft);
}
.pill.good { background: var(--good-bg); color: var(--good); }
.pill.busy { background: var(--busy-bg); color: var(--busy); }
.pill.bad { background: var(--bad-bg); color: var(--bad); }
.pill.tag { font-weight: 500; background: none; box-shadow: inset 0 0 0 1px var(--line); margin-right: 5px; }
.pill.tag.stable { color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.pill.tag.fixed { margin: 0 0 0 5px; }
.alarm { color: var(--bad); }
#trouble { padding: 10px 16px; border-radius: 10px; background: var(--bad-bg); color: var(--bad); font-weight: 500; }
body.stale .tiles, body.stale .card { opacity: .55; }
footer { margin-top: auto; padding: 14px 28px 18px; display: flex; gap: 22px; justify-content: center; font-size: 13px; }
a { color: var(--soft); text-underline-offset: 3px; }
a:hover { color: var(--accent); }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
@media (max-width: 1100px) { .tiles { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); } .tile.wide { grid-column: 1 / -1; } }
`;
