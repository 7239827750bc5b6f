// The features of the official JavaScript client 1.4.0, on the emulator.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "package.json"));
const { default: Replicate, validateWebhook } = await import(require.resolve("replicate"));
const replicate = new Replicate({ auth: process.env.REPLICATE_API_TOKEN, baseUrl: process.env.REPLICATE_BASE_URL });

const latest = async (name) => (await replicate.models.get("acme", name)).latest_version.id;
const bytes = async (file) => Buffer.from(await (await file.blob()).arrayBuffer());
const isPng = (buffer) => assert.equal(buffer.subarray(1, 4).toString(), "PNG");

const features = {
  run: async () => {
    assert.equal(await replicate.run("acme/hello", { input: { text: "Ada" } }), "Hello, Ada!");
    await assert.rejects(replicate.run("acme/broken", { input: { message: "no" } }), /Prediction failed: no/);
  },
  stream: async () => {
    const input = { prompt: "the sea", seconds: 0 };
    let text = "";
    for await (const event of replicate.stream(`acme/poet:${await latest("poet")}`, { input })) text += event.toString();
    assert.match(text, /the sea[^]*\.\n/);
  },
  wait: async () => {
    const prediction = await replicate.predictions.create({ model: "acme/hello", input: { text: "Ada" } });
    assert.equal((await replicate.wait(prediction, { interval: 20 })).output, "Hello, Ada!");
  },
  paginate: async () => {
    for (let i = 0; i < 3; i++) await replicate.run("acme/hello", { input: { text: "x" } });
    let count = 0;
    for await (const page of replicate.paginate(replicate.predictions.list)) count += page.length;
    assert.ok(count >= 3);
  },
  cancel: async () => {
    const prediction = await replicate.predictions.create({ model: "acme/sleeper", input: { seconds: 60 } });
    assert.equal((await replicate.predictions.cancel(prediction.id)).status, "canceled");
  },
  "files in and out": async () => {
    const [picture] = await replicate.run("acme/painter", { input: { prompt: "x", width: 32, height: 32 } });
    const content = await bytes(picture);
    isPng(content);
    const input = { image: content, effect: "mirror" };
    isPng(await bytes(await replicate.run(`acme/filter:${await latest("filter")}`, { input })));
  },
  files: async () => {
    const file = await replicate.files.create(Buffer.from("hello"), { a: "b" });
    assert.equal((await replicate.files.get(file.id)).size, 5);
    assert.ok((await replicate.files.list()).results.some((one) => one.id === file.id));
    await replicate.files.delete(file.id);
  },
  models: async () => {
    assert.equal((await replicate.models.get("acme", "hello")).name, "hello");
    assert.ok((await replicate.models.list()).results.some((model) => model.name === "poet"));
    assert.deepEqual((await replicate.models.search("poem")).results.map((model) => model.name), ["poet"]);
    const created = await replicate.models.create("acme", "js-made", { visibility: "private", hardware: "cpu" });
    assert.equal(created.name, "js-made");
  },
  versions: async () => {
    const versions = await replicate.models.versions.list("acme", "poet");
    assert.equal(versions.results.length, 2);
    assert.ok((await replicate.models.versions.get("acme", "poet", versions.results[0].id)).openapi_schema);
  },
  deployments: async () => {
    const settings = { hardware: "cpu", min_instances: 0, max_instances: 1 };
    await replicate.deployments.create({ name: "js", model: "acme/hello", version: await latest("hello"), ...settings });
    const updated = await replicate.deployments.update("acme", "js", { max_instances: 2 });
    assert.equal(updated.current_release.number, 2);
    const prediction = await replicate.deployments.predictions.create("acme", "js", { input: { text: "Ada" } });
    assert.equal((await replicate.wait(prediction, { interval: 20 })).output, "Hello, Ada!");
  },
  trainings: async () => {
    const options = { destination: "acme/js-made", input: { words: "gull" } };
    let training = await replicate.trainings.create("acme", "poet", await latest("poet"), options);
    while (!["succeeded", "failed", "canceled"].includes(training.status)) {
      training = await replicate.trainings.get(training.id);
    }
    assert.match(training.output.version, /^acme\/js-made:/);
  },
  collections: async () => {
    assert.ok((await replicate.collections.list()).results.some((collection) => collection.slug === "words"));
    const { models } = await replicate.collections.get("words");
    assert.deepEqual(models.map((model) => model.name), ["hello", "poet"]);
  },
  hardware: async () => assert.ok((await replicate.hardware.list()).some((one) => one.sku === "cpu")),
  webhooks: async () => {
    const { key } = await replicate.webhooks.default.secret.get();
    const [id, timestamp, body] = ["msg_x", String(Math.floor(Date.now() / 1000)), '{"id": "x"}'];
    const secret = Buffer.from(key.replace("whsec_", ""), "base64");
    const digest = crypto.createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
    assert.equal(await validateWebhook({ id, timestamp, body, secret: key, signature: `v1,${digest}` }), true);
  },
  errors: async () => {
    await assert.rejects(replicate.run("acme/hello", { input: { text: 5 } }), /422[^]*Invalid type/);
  },
};

for (const [feature, run] of Object.entries(features)) {
  let outcome = "ok";
  try {
    await run();
  } catch (error) {
    outcome = `${error.name}: ${error.message}`.slice(0, 300);
  }
  console.log(JSON.stringify({ feature, outcome }));
}
