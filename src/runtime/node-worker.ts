/** The worker thread that runs graphs, so that `run` never blocks the program. Started by `createEngine`; not imported. */
import { parentPort, workerData } from "node:worker_threads";
import { OffmapError } from "../errors.js";
import { LocalEngine } from "./local-engine.js";
import { type Answer, buffersOf, type Envelope, type Reply, type Request, type WorkerData } from "./protocol.js";
import type { Session } from "./types.js";

const engine = new LocalEngine((workerData as WorkerData).engine);
const sessions = new Map<number, Session>();
let nextSession = 0;

async function answer(request: Request): Promise<Answer> {
  switch (request.kind) {
    case "load": {
      const session = await engine.load(request.model, request.options);
      const id = nextSession++;
      sessions.set(id, session);
      return { kind: "loaded", session: id, inputs: session.inputs, outputs: session.outputs };
    }
    case "run": {
      const session = sessions.get(request.session);
      if (session === undefined) throw new OffmapError({ problem: "the session was released" });
      return { kind: "values", values: await session.run(request.feeds) };
    }
    case "release":
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return { kind: "done" };
    case "assign":
      await engine.assign(request.variables);
      return { kind: "done" };
    case "read":
      return { kind: "values", values: await engine.read(request.names) };
  }
}

async function serve({ id, request }: Envelope): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, answer: await answer(request) };
  } catch (error) {
    const details = error instanceof OffmapError ? withoutCause(error) : { problem: String(error) };
    reply = { id, error: { name: error instanceof Error ? error.name : "Error", details } };
  }
  const transfer = reply.answer?.kind === "values" ? buffersOf(reply.answer.values) : [];
  parentPort?.postMessage(reply, transfer);
}

/** A cause may hold native objects that cannot be cloned. */
function withoutCause({ details: { cause: _, ...details } }: OffmapError) {
  return details;
}

// Requests are answered one after another, in order: a run never overlaps an assignment.
let last = Promise.resolve();
parentPort?.on("message", (envelope: Envelope) => {
  last = last.then(() => serve(envelope));
});
