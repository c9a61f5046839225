// What runs in the browser: takes jobs from the server that opened the page, one at a time, and answers with the results.

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

// ONNX Runtime says only in its log on which provider a node was placed. Its WebAssembly module keeps the console's functions
// that it finds when it is loaded, so they are replaced before.
const placementLog = [];
for (const level of ["log", "info", "debug", "warn", "error"]) {
  console[level] = (...parts) => {
    const line = parts.join(" ");
    if (line.includes("VerifyEachNodeIsAssignedToAnEp")) placementLog.push(line);
  };
}

const post = (path, message) => fetch(path, { method: "POST", body: JSON.stringify(message) });

const toBytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

function toBase64({ buffer, byteOffset, byteLength }) {
  return btoa(Array.from(new Uint8Array(buffer, byteOffset, byteLength), (byte) => String.fromCharCode(byte)).join(""));
}

async function run(ort, { model, feeds }) {
  const session = await ort.InferenceSession.create(toBytes(model), {
    executionProviders: ["webgpu"],
    logSeverityLevel: 0,
  });
  try {
    const inputs = Object.entries(feeds).map(([name, { dtype, dims, data }]) => [
      name,
      new ort.Tensor(dtype, new arrays[dtype](toBytes(data).buffer), dims),
    ]);
    const results = await session.run(Object.fromEntries(inputs));
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { dtype: type, dims, data: toBase64(data) },
      ]),
    );
  } finally {
    await session.release();
  }
}

async function work() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return post("/ready", { unavailable: "the browser has no WebGPU adapter" });
  const ort = await import("/onnxruntime/ort.webgpu.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/onnxruntime/";
  const [, chromium] = /Chrome\/(\d+)/.exec(navigator.userAgent) ?? [];
  await post("/ready", {
    adapter: adapter.info.architecture || adapter.info.description,
    chromium,
    runtime: ort.env.versions.web,
  });
  for (;;) {
    const job = await (await fetch("/job")).json();
    placementLog.length = 0;
    try {
      const outputs = await run(ort, job);
      await post("/result", { outputs, placementLog });
    } catch (error) {
      await post("/result", { error: String(error.message ?? error), placementLog });
      // An aborted WebAssembly module or a lost device would fail every later job too.
      location.reload();
      return undefined;
    }
  }
}

work().catch((error) => post("/ready", { unavailable: String(error.message ?? error) }));
