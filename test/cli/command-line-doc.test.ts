import { expect, test } from "vitest";
import { commandLineDocument } from "./command-line-doc.js";

test("docs/command-line.md shows the help as it is; run this file with -u to write it anew", async () => {
  await expect(await commandLineDocument()).toMatchFileSnapshot("../../docs/command-line.md");
});
