import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 60_000,
    // ONNX Runtime keeps native threads; processes isolate a crash to one file.
    pool: "forks",
  },
});
