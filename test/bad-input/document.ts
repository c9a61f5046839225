import type { BadInputCase } from "./cases.js";

const cell = (text: string) => text.replaceAll("|", "\\|");
const code = (text: string) => `\`${text.replaceAll("|", "\\|")}\``;

/** The text of `docs/bad-input.md`. */
export function badInputDocument(cases: readonly BadInputCase[]): string {
  return `# What Offmap says to bad input

Every line is run by \`test/bad-input/bad-input.test.ts\` with files that \`test/bad-input/files.ts\` makes: the command ends with this exit code (2: input
to correct, 1: a failure on the way) and prints this one line on standard error, after \`offmap: \`.

| what is wrong | command | exit code | message |
|---|---|---|---|
${cases.map(({ kind, command, exitCode, message }) => `| ${cell(kind)} | ${code(command)} | ${exitCode} | ${cell(message)} |`).join("\n")}
`;
}
