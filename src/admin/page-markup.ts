/** What the page is made of before any data has come. */
export const markup = `
<header>
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
    <path d="M3 2v20M21 2v20M3 5h18"/><path class="gate" d="M7 5v9h10V5"/><path class="water" d="M6 19q3-2.5 6 0t6 0"/>
  </svg>
  <h1>Headgate</h1>
  <span id="health" class="pill" role="status">connecting</span>
  <span id="updated"></span>
</header>
<main>
  <p id="trouble" role="alert" hidden></p>
  <section class="tiles" aria-label="Now">
    <div class="tile wide"><h2>Rows answered/s</h2><b id="rows-rate">–</b><svg id="rows-line" class="line" role="img" aria-label="Rows per second, last two minutes"></svg></div>
    <div class="tile"><h2>Requests/s</h2><b id="request-rate">–</b></div>
    <div class="tile"><h2>Failures/s</h2><b id="fail-rate">–</b></div>
    <div class="tile"><h2>Rows per run</h2><b id="batch-mean">–</b></div>
    <div class="tile"><h2>Mean latency</h2><b id="latency">–</b></div>
    <div class="tile"><h2>Rows waiting</h2><b id="queued">–</b></div>
  </section>
  <section class="card">
    <h2>Models <span id="model-count"></span></h2>
    <div class="scroll"><table>
      <thead><tr>
        <th scope="col">Model</th><th scope="col">Version</th><th scope="col">State</th><th scope="col">Serves</th>
        <th scope="col" class="n">Rows/s</th><th scope="col" class="spark">Last 2 min</th>
        <th scope="col" class="n">Rows/run</th><th scope="col" class="n">Latency</th><th scope="col" class="n">Queue</th>
        <th scope="col" class="n">Failures/s</th><th scope="col" class="n">Waiting</th>
        <th scope="col" class="n">Instances</th><th scope="col" class="n">Memory</th>
      </tr></thead>
      <tbody id="models"><tr><td colspan="13" class="empty">Loading…</td></tr></tbody>
    </table></div>
  </section>
  <section class="card" id="batch-card">
    <h2>Batches <span>what was learned of their sizes</span>
      <span class="legend"><svg viewBox="0 0 10 10" class="latencies" aria-hidden="true"><g class="ran"><circle class="dot" cx="5" cy="5" r="3"/></g></svg>has run</span>
      <span class="legend"><svg viewBox="0 0 10 10" class="latencies" aria-hidden="true"><g class="measured"><circle class="dot" cx="5" cy="5" r="3"/></g></svg>measured at load only</span>
    </h2>
    <div class="scroll"><table>
      <thead><tr>
        <th scope="col">Model</th><th scope="col">Version</th><th scope="col">Runs on</th>
        <th scope="col" class="input">Row</th><th scope="col" class="n">Rows in/s</th>
        <th scope="col" class="chart" title="The run and the way there and back, divided by the rows: what the batcher weighs. The upright line is the knee">Time per row by batch size</th>
        <th scope="col" class="n" title="Rows that wait together go together up to here, however few arrive">Together</th>
        <th scope="col" class="n" title="The smallest batch in which a row costs, to within 3 %, the least it can">Knee</th>
        <th scope="col" class="n" title="The smallest batch in which, to within 1 %, it does">Best</th>
        <th scope="col" class="n">Run of 1</th><th scope="col" class="n">Run of best</th>
        <th scope="col" class="n" title="How many times as many rows the engine runs in batches of the best size as one by one">Gain</th>
      </tr></thead>
      <tbody id="batches"><tr><td colspan="12" class="empty">Loading…</td></tr></tbody>
    </table></div>
  </section>
  <section class="card" id="worker-card">
    <h2>Workers <span id="worker-count"></span></h2>
    <div class="scroll"><table>
      <thead><tr>
        <th scope="col">Worker</th><th scope="col">State</th><th scope="col">Device</th><th scope="col" class="n">Process</th>
        <th scope="col" class="n">Memory</th>
        <th scope="col" class="far">Serves</th><th scope="col" class="n history">Restarts</th><th scope="col" class="history">Last</th>
      </tr></thead>
      <tbody id="workers"><tr><td colspan="8" class="empty">Loading…</td></tr></tbody>
    </table></div>
  </section>
</main>
<footer>
  <a href="/metrics">Metrics</a><a href="/v1/config">Configuration</a><a href="/v2/models/stats">Statistics</a>
  <a href="/v1/learned">Learned</a>
  <a href="/v1/openapi.json">API</a>
</footer>
`;
