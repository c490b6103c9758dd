// Trains the dense model with the types that openapi-typescript generates, and asks it for predictions.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Definition = components["schemas"]["GraphDefinition"];
type JobRequest = components["schemas"]["JobRequest"];

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "http://127.0.0.1:8000" });
const CLASSES = 10;

function dense(name: string, inputs: string, units: number, activation: string): Definition["nodes"] {
  return [{ name, layer: { type: "Dense", config: { units, activation } }, inputs }];
}

// A field that has a default may be left out.
const definition: Definition = {
  inputs: [{ name: "picture", shape: [784] }],
  nodes: [
    ...(dense("hidden_1", "picture", 64, "relu") ?? []),
    ...(dense("hidden_2", "hidden_1", 64, "relu") ?? []),
    ...(dense("digit", "hidden_2", CLASSES, "softmax") ?? []),
  ],
  outputs: ["digit"],
};

function picture(digit: number): number[] {
  return Array.from({ length: 784 }, (_, i) => (i % CLASSES === digit ? 1 : 0));
}

function need<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) {
    throw new Error(JSON.stringify(answer.error));
  }
  return answer.data;
}

const digits = Array.from({ length: 200 }, (_, row) => row % CLASSES);
const columns = {
  picture: digits.map(picture),
  digit: digits.map((digit) => Array.from({ length: CLASSES }, (_, i) => Number(i === digit))),
};
const graph = need(await client.POST("/v1/graphs", { body: { name: "dense", definition } }));
if (!("id" in graph)) {
  throw new Error("the graph was only checked");
}
const dataset = need(await client.POST("/v1/datasets", { body: { columns } }));
const request: JobRequest = {
  graph: graph.id,
  dataset: dataset.id,
  compile: { loss: "categorical_crossentropy", metrics: ["accuracy"] },
  fit: { epochs: 10 },
  seed: 7,
};
let job = need(await client.POST("/v1/jobs", { body: request }));
while (!job.is_terminal) {
  await new Promise((wait) => setTimeout(wait, 250));
  job = need(await client.GET("/v1/jobs/{id}", { params: { path: { id: job.id } } }));
}
if (job.model === null) {
  throw new Error(JSON.stringify(job.error));
}
const answer = need(
  await client.POST("/v1/models/{id}:predict", {
    params: { path: { id: job.model } },
    body: { instances: digits.slice(0, CLASSES).map(picture) },
  }),
);
const rows = (answer.predictions ?? []) as number[][];
console.log(JSON.stringify(rows.map((row) => row.indexOf(Math.max(...row)))));

const misspelt = await client.POST("/v1/graphs", {
  body: { definition: { ...definition, outputs: ["digits"] } },
});
console.log(misspelt.error?.errors?.[0]?.pointer);

// The definition of a stored graph is one that may be sent again.
const again: Definition = graph.definition;
need(await client.POST("/v1/graphs", { body: { definition: again } }));
