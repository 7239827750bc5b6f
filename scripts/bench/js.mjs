// The worker of the official JavaScript client 1.4.0. Run it in the folder where that is installed:
// node js.mjs AMOUNTS WORKLOAD BASE_URL [ARG…]

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "package.json"));
const Replicate = require("replicate");

const MODEL = "acme/model";
const modelOfDuration = (seconds) => `acme/model-${seconds}`;
const [amounts, name, baseUrl, ...args] = process.argv.slice(2);
// See amounts.py.
const { CALLS, CONCURRENCY, CALLS_PER_TASK, EVENTS, DOWNLOAD_SIZE, UPLOADS, PARSES } = JSON.parse(amounts);
const { RUNS_BY_DURATION, HELD_RUNS_BY_DURATION, DURATION_FACTORS } = JSON.parse(amounts);
const client = (url = baseUrl) => new Replicate({ auth: "r8_bench", baseUrl: `${url}/v1` });
const now = () => performance.now() / 1000;
const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

class Unsupported extends Error {}

function readMemory(field) {
  const line = fs.readFileSync("/proc/self/status", "utf8").split("\n").find((text) => text.startsWith(`${field}:`));
  return (Number(line.split(/\s+/)[1]) * 1024) / 1e6;
}

const fetchCounters = async () => (await fetch(`${baseUrl}/_counters`, { headers: { Connection: "close" } })).json();

async function measure(action) {
  await fetchCounters();
  fs.writeFileSync("/proc/self/clear_refs", "5");
  const base_mb = readMemory("VmRSS");
  const cpu = process.cpuUsage();
  const started = now();
  await action();
  const seconds = now() - started;
  const used = process.cpuUsage(cpu);
  const rss_mb = readMemory("VmHWM") - base_mb;
  const result = { seconds, ms: 1e3 * seconds, cpu: (used.user + used.system) / 1e6, base_mb, rss_mb };
  return { ...result, ...(await fetchCounters()) };
}

const addPerItem = (result, count) => ({
  ...result,
  per_item_us: (1e6 * result.seconds) / count,
  cpu_us: (1e6 * result.cpu) / count,
});

const repeat = async (count, call) => {
  for (let i = 0; i < count; i++) await call();
};

async function runConcurrently(count, seconds) {
  const api = client();
  const run = (input) => api.run(MODEL, { input });
  await run({ seconds: 0 });
  let outcomes;
  const result = await measure(async () => {
    outcomes = await Promise.allSettled(Array.from({ length: count }, () => run({ seconds })));
  });
  for (const outcome of outcomes) assert(outcome.status === "rejected" || outcome.value.length === 8);
  const failures = outcomes.filter((outcome) => outcome.status === "rejected");
  const failure = failures.length ? { failure: failures[0].reason.name } : {};
  return { ...result, failed: failures.length, ...failure, per_item_ms: (1e3 * (result.seconds - seconds)) / count };
}

async function runSequentially(run, runsByDuration, factors = [1]) {
  await run(0, 0);
  const total = {};
  for (const [duration, count] of Object.entries(runsByDuration)) {
    const overheads = [];
    const result = await measure(() =>
      repeat(count, async () => {
        const seconds = Number(duration) * factors[overheads.length % factors.length];
        const started = now();
        assert.equal((await run(duration, seconds)).length, 8);
        overheads.push(now() - started - seconds);
      }),
    );
    total[`first_overhead_ms ${duration}`] = 1e3 * overheads[0];
    total[`overhead_ms ${duration}`] = 1e3 * median(overheads.slice(1));
    total[`requests ${duration}`] = result.requests / count;
    total[`cpu_ms ${duration}`] = (1e3 * result.cpu) / count;
  }
  return total;
}

const poll = (stream, factors) => {
  const api = client();
  const run = (name, seconds) => api.run(modelOfDuration(name), { input: { seconds, stream }, wait: { mode: "poll" } });
  return runSequentially(run, RUNS_BY_DURATION, factors);
};

async function download(consume) {
  const api = client();
  const result = await measure(async () => assert.equal(await consume(await fileOutput(api)), DOWNLOAD_SIZE));
  return { ...result, mb_per_s: DOWNLOAD_SIZE / 1e6 / result.seconds };
}

async function fileOutput(api) {
  // The client makes file outputs of https URLs only; this makes one of any URL.
  const { createFileOutput } = require(path.join(path.dirname(require.resolve("replicate")), "lib/stream.js"));
  return createFileOutput({ url: `${baseUrl}/files/${DOWNLOAD_SIZE}`, fetch: api.fetch });
}

const workloads = {
  get: async () => {
    const api = client();
    const call = async () => (await api.predictions.get("abc")).status;
    await repeat(100, call);
    return addPerItem(await measure(() => repeat(CALLS, call)), CALLS);
  },
  aget: async () => {
    const api = client();
    const callTimes = (count) => repeat(count, async () => (await api.predictions.get("abc")).status);
    const callConcurrently = (count) => Promise.all(Array.from({ length: CONCURRENCY }, () => callTimes(count)));
    await callConcurrently(2);
    return addPerItem(await measure(() => callConcurrently(CALLS_PER_TASK)), CONCURRENCY * CALLS_PER_TASK);
  },
  runs: (count, seconds) => runConcurrently(Number(count), Number(seconds)),
  poll: () => poll(true),
  "poll-plain": () => poll(false),
  "poll-varied": () => poll(false, DURATION_FACTORS),
  wait: () => {
    const api = client();
    return runSequentially((name, seconds) => api.run(modelOfDuration(name), { input: { seconds } }), HELD_RUNS_BY_DURATION);
  },
  asse: async () => {
    const api = client();
    const dataById = {};
    for await (const event of api.stream(MODEL, { input: { edge_cases: true } })) dataById[event.id] = event.data;
    let count = -1;
    const result = await measure(async () => {
      for await (const event of api.stream(MODEL, { input: { events: EVENTS } })) count += event ? 1 : 0;
    });
    if (count !== EVENTS) throw new Unsupported(`${count} of ${EVENTS} events arrived`);
    const expected = await (await fetch(`${baseUrl}/_sse_edge_cases`)).json();
    const correct = expected.filter((data, number) => dataById[`case:${number}`] === data).length;
    return { ...addPerItem(result, EVENTS), correct };
  },
  list: async (total) => {
    const api = client(`${baseUrl}/n${total}`);
    await api.accounts.current();
    let count = 0;
    const result = await measure(async () => {
      for await (const page of api.paginate(api.models.list)) for (const model of page) count += model.name ? 1 : 0;
    });
    assert.equal(count, Number(total));
    const pages = count / 100;
    const page = { page_ms: (1e3 * result.seconds) / pages, page_cpu_ms: (1e3 * result.cpu) / pages };
    return { ...addPerItem(result, count), ...page };
  },
  parse: async () => {
    const body = await (await fetch(`${baseUrl}/v1/predictions/abc`)).text();
    const parse = () => Object.values(JSON.parse(body)).length;
    for (let i = 0; i < 200; i++) parse();
    const result = await measure(async () => {
      for (let i = 0; i < PARSES; i++) parse();
    });
    return addPerItem(result, PARSES);
  },
  asave: async (folder) =>
    download(async (output) => {
      const target = path.join(folder, "output.bin");
      await fs.promises.writeFile(target, output);
      return fs.statSync(target).size;
    }),
  read: async () => download(async (output) => (await (await output.blob()).arrayBuffer()).byteLength),
  upload: async (source) => {
    const api = client();
    await api.run(MODEL, { input: { seconds: 0 } });
    const times = [];
    const result = await measure(() =>
      repeat(UPLOADS, async () => {
        const started = now();
        const input = { file: fs.readFileSync(source), seconds: 0 };
        assert.equal((await api.run(MODEL, { input })).length, 8);
        times.push(now() - started);
      }),
    );
    return { ...result, ms: 1e3 * median(times) };
  },
};
workloads.sse = workloads.asse;
workloads.save = workloads.asave;

try {
  if (!(name in workloads)) throw new Unsupported("not supported by this client");
  console.log(JSON.stringify(await workloads[name](...args)));
} catch (error) {
  if (!(error instanceof Unsupported)) throw error;
  console.log(JSON.stringify({ error: error.message }));
}
