// The official JavaScript client 1.4.0, on Node. Run in the folder where it is installed: node js.mjs AMOUNTS WORK BASE_URL [ARG…]

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "package.json"));
const Replicate = require("replicate");

const MODEL = "acme/model";
const taking = (seconds) => `acme/model-${seconds}`; // each model takes its time
const [amounts, name, base, ...args] = process.argv.slice(2);
const { CALLS, TOGETHER, EACH, EVENTS, DOWNLOAD, UPLOADS, PARSES, LENGTHS, HELD, VARIED } = JSON.parse(amounts); // measure.py
const client = (url = base) => new Replicate({ auth: "r8_bench", baseUrl: `${url}/v1` });
const now = () => performance.now() / 1000;
const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

class Unable extends Error {}

function memory(what) {
  const line = fs.readFileSync("/proc/self/status", "utf8").split("\n").find((text) => text.startsWith(`${what}:`));
  return (Number(line.split(/\s+/)[1]) * 1024) / 1e6;
}

const counted = async () => (await fetch(`${base}/_count`, { headers: { Connection: "close" } })).json();

async function measured(work) {
  await counted();
  fs.writeFileSync("/proc/self/clear_refs", "5");
  const base_mb = memory("VmRSS");
  const cpu = process.cpuUsage();
  const began = now();
  await work();
  const seconds = now() - began;
  const used = process.cpuUsage(cpu);
  const rss_mb = memory("VmHWM") - base_mb;
  const result = { seconds, ms: 1e3 * seconds, cpu: (used.user + used.system) / 1e6, base_mb, rss_mb };
  return { ...result, ...(await counted()) };
}

const perItem = (result, count) => ({
  ...result,
  per_item_us: (1e6 * result.seconds) / count,
  cpu_us: (1e6 * result.cpu) / count,
});

const repeat = async (count, call) => {
  for (let i = 0; i < count; i++) await call();
};

async function fanOut(count, seconds) {
  const api = client();
  const run = (input) => api.run(MODEL, { input });
  await run({ seconds: 0 });
  let outcomes;
  const result = await measured(async () => {
    outcomes = await Promise.allSettled(Array.from({ length: count }, () => run({ seconds })));
  });
  for (const outcome of outcomes) assert(outcome.status === "rejected" || outcome.value.length === 8);
  const failures = outcomes.filter((outcome) => outcome.status === "rejected");
  const failure = failures.length ? { failure: failures[0].reason.name } : {};
  return { ...result, failed: failures.length, ...failure, per_item_ms: (1e3 * (result.seconds - seconds)) / count };
}

async function runs(run, lengths, factors = [1]) {
  await run(0, 0);
  const total = {};
  for (const [length, count] of Object.entries(lengths)) {
    const over = [];
    const result = await measured(() =>
      repeat(count, async () => {
        const seconds = Number(length) * factors[over.length % factors.length];
        const began = now();
        assert.equal((await run(length, seconds)).length, 8);
        over.push(now() - began - seconds);
      }),
    );
    total[`first_ms ${length}`] = 1e3 * over[0];
    total[`over_ms ${length}`] = 1e3 * median(over.slice(1));
    total[`requests ${length}`] = result.requests / count;
    total[`cpu_ms ${length}`] = (1e3 * result.cpu) / count;
  }
  return total;
}

const polled = (stream, factors) => {
  const api = client();
  const run = (name, seconds) => api.run(taking(name), { input: { seconds, stream }, wait: { mode: "poll" } });
  return runs(run, LENGTHS, factors);
};

async function download(work) {
  const api = client();
  const result = await measured(async () => assert.equal(await work(await file(api)), DOWNLOAD));
  return { ...result, mb_per_s: DOWNLOAD / 1e6 / result.seconds };
}

async function file(api) {
  // An output is a file where its URL is https; this is how one is made of any URL.
  const { createFileOutput } = require(path.join(path.dirname(require.resolve("replicate")), "lib/stream.js"));
  return createFileOutput({ url: `${base}/files/${DOWNLOAD}`, fetch: api.fetch });
}

const works = {
  get: async () => {
    const api = client();
    const call = async () => (await api.predictions.get("abc")).status;
    await repeat(100, call);
    return perItem(await measured(() => repeat(CALLS, call)), CALLS);
  },
  aget: async () => {
    const api = client();
    const some = (count) => repeat(count, async () => (await api.predictions.get("abc")).status);
    const together = (count) => Promise.all(Array.from({ length: TOGETHER }, () => some(count)));
    await together(2);
    return perItem(await measured(() => together(EACH)), TOGETHER * EACH);
  },
  runs: (count, seconds) => fanOut(Number(count), Number(seconds)),
  poll: () => polled(true),
  "poll-plain": () => polled(false),
  "poll-varied": () => polled(false, VARIED),
  wait: () => {
    const api = client();
    return runs((name, seconds) => api.run(taking(name), { input: { seconds } }), HELD);
  },
  asse: async () => {
    const api = client();
    const heard = {};
    for await (const event of api.stream(MODEL, { input: { odd: true } })) heard[event.id] = event.data;
    let count = -1;
    const result = await measured(async () => {
      for await (const event of api.stream(MODEL, { input: { events: EVENTS } })) count += event ? 1 : 0;
    });
    if (count !== EVENTS) throw new Unable(`${count} of ${EVENTS} events arrived`);
    const expected = await (await fetch(`${base}/_odd`)).json();
    const right = expected.filter((data, number) => heard[`odd:${number}`] === data).length;
    return { ...perItem(result, EVENTS), right };
  },
  list: async (total) => {
    const api = client(`${base}/n${total}`);
    await api.accounts.current();
    let count = 0;
    const result = await measured(async () => {
      for await (const page of api.paginate(api.models.list)) for (const model of page) count += model.name ? 1 : 0;
    });
    assert.equal(count, Number(total));
    const pages = count / 100;
    const page = { page_ms: (1e3 * result.seconds) / pages, page_cpu_ms: (1e3 * result.cpu) / pages };
    return { ...perItem(result, count), ...page };
  },
  parse: async () => {
    const body = await (await fetch(`${base}/v1/predictions/abc`)).text();
    const parse = () => Object.values(JSON.parse(body)).length;
    for (let i = 0; i < 200; i++) parse();
    const result = await measured(async () => {
      for (let i = 0; i < PARSES; i++) parse();
    });
    return perItem(result, PARSES);
  },
  asave: async (folder) =>
    download(async (found) => {
      const target = path.join(folder, "output.bin");
      await fs.promises.writeFile(target, found);
      return fs.statSync(target).size;
    }),
  read: async () => download(async (found) => (await (await found.blob()).arrayBuffer()).byteLength),
  upload: async (source) => {
    const api = client();
    await api.run(MODEL, { input: { seconds: 0 } });
    const times = [];
    const result = await measured(() =>
      repeat(UPLOADS, async () => {
        const began = now();
        const input = { file: fs.readFileSync(source), seconds: 0 };
        assert.equal((await api.run(MODEL, { input })).length, 8);
        times.push(now() - began);
      }),
    );
    return { ...result, ms: 1e3 * median(times) };
  },
};
works.sse = works.asse;
works.save = works.asave;

try {
  if (!(name in works)) throw new Unable("it has no such thing");
  console.log(JSON.stringify(await works[name](...args)));
} catch (error) {
  if (!(error instanceof Unable)) throw error;
  console.log(JSON.stringify({ unable: error.message }));
}
