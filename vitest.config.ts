import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 120_000,
    // Features of frozen parts must not land in the cache of whoever runs the tests.
    env: { OFFMAP_CACHE: join(tmpdir(), "offmap-test-cache") },
    // ONNX Runtime keeps native threads; processes isolate a crash to one file.
    pool: "forks",
    // One more than by default: on two cores that is twice as many, and three fifths of the time.
    maxWorkers: availableParallelism(),
  },
});
