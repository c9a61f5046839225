import { commands } from "../../src/cli/commands/index.js";
import { runInMemory } from "./memory-host.js";

const introduction = `# The command line

\`offmap COMMAND [options]\`. What follows holds for every command.

- **Configuration file.** \`--config run.yaml\` reads options from a YAML file whose keys are the long flags without dashes (\`outlier-batch: 256\`; a list
  where a flag may be repeated or takes several values; \`true\` or \`false\` for switches). Paths are relative to where the command runs. Flags win
  over the file. Unknown keys and values out of range are refused with file, line and column.
- **\`--json\`** prints one JSON document on standard output and nothing else. An error is one too:
  \`{"error": {"kind", "message", "exit_code", "where", "expected", "received", "problem", "hint"}}\`, the last five where they apply.
- **Standard error** gets progress when it is a terminal (never with \`--quiet\`), warnings as \`offmap: warning: ...\`, and an error as one line, \`offmap: ...\`;
  with \`OFFMAP_DEBUG=1\` in the environment the stack follows. \`NO_COLOR\` turns colours off.
- **Exit codes:** 0 success, 2 input that you can correct, 1 a failure on the way (disk full, a loss that became infinite), 130 stopped by
  ctrl-C. The first ctrl-C ends the work in order (\`tune\` saves a checkpoint), the second at once.
- **Datasets** are written \`KIND:PATH[?OPTION=VALUE&...]\`: see [datasets.md](datasets.md). What bad input is answered with: [bad-input.md](bad-input.md).
`;

/** The text of `docs/command-line.md`: what is the same everywhere, and the help of every command. */
export async function commandLineDocument(): Promise<string> {
  let text = introduction;
  for (const { name } of commands) {
    const { stdout } = await runInMemory([name, "--help"]);
    text += `\n## offmap ${name}\n\n\`\`\`text\n${stdout.trimEnd()}\n\`\`\`\n`;
  }
  return text;
}
