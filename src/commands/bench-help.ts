export const BENCH_HELP = `Usage: headgate bench <url> <model> [options]

Sends load to a model of a running server that speaks Open Inference Protocol v2, Headgate or another, checks that
every answer is right, and reports throughput, latency and errors. Inputs are made from the model's own description.

  headgate bench http://localhost:8000 digits              how much does it take, and how long at 50, 70, 90 % of that?
  headgate bench http://localhost:8000 digits --rate 500   what do callers see at 500 requests a second?
  headgate bench http://localhost:8000 digits --find --slo 50
                                                           up to which rate do 99 of 100 answers come within 50 ms?

What to send (one of these; default: closed loops up to saturation, then open loops at 50, 70 and 90 % of it)
  --rate <n>               open loop: n requests per second, whatever is answered; Poisson arrivals, and latency
                           counts from when each request was due
      --constant           … at equal distances instead
  --connections <n>        closed loop: n connections, each sends its next request when the last was answered
  --find                   the highest Poisson rate with p99 within --slo

How
  --duration <seconds>     of each measurement [5]
  --version <version>      a number, or a label of Headgate's [the server's choice]
  --binary, --json         binary tensors or JSON both ways [binary; json with --input]
  --rows <n>               rows per request, where the first dimension is free [1]
  --shape <input>=<sizes>  such as image=1,3,224,224; needed where other dimensions are free; may be repeated
  --input <file>           an OIP v2 request as JSON to send instead of random values, or an array of them
  --header '<name>: <v>'   sent with every request, such as an API key; may be repeated
  --slo <ms>               the objective for p99: judged in every mode, and drawn in plots
  --timeout <ms>           an answer later than this counts as none [10000]
  --max-connections <n>    open loop: beyond this many busy connections requests wait, which counts as latency [256]
  --no-check               do not compare answers

What to keep
  --output <file.json>     everything measured
  --plot <file.svg>        throughput and latency against offered load; not with --rate or --connections

  --help                   prints this

Each request is first sent alone, twice; under load the same request must get the same answer, within what its
datatype's arithmetic allows. A report whose generator was late by more than 1 ms for more than 1 % of the requests
says that its latencies are not to be trusted. Ctrl-C stops and reports what was measured until then.

Exit code: 0 measured; 1 not reachable, no such model, wrong answers, nothing answered, or stopped; 2 bad usage.
`;
