#!/usr/bin/env node
// The program. Only light modules are loaded here; commands load engine, decoders and the rest when they run.
import { commands } from "./commands/index.js";
import { describeFailure, interruptedExitCode } from "./failures.js";
import { processHost } from "./host.js";
import { runCli } from "./run-cli.js";

const stop = new AbortController();
for (const request of ["SIGINT", "SIGTERM"]) {
  process.on(request, () => {
    if (stop.signal.aborted) process.exit(interruptedExitCode);
    stop.abort();
    process.stderr.write("\noffmap: stopping; press ctrl-C again to end at once\n");
  });
}
process.on("uncaughtException", (error) => {
  process.stderr.write(`offmap: ${describeFailure(error).sentence}\n`);
  process.exit(1);
});

process.exitCode = await runCli(process.argv.slice(2), commands, processHost(stop.signal));
