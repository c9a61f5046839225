// Writes the networks of nn-models.ts as ONNX files into a folder, for nn.py and deeplab-step.py:  npx tsx test/reference/nn-export.ts FOLDER
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeModel } from "../../src/onnx/index.js";
import { abstainingDeepLab, narrowModels, told } from "./nn-models.js";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: nn-export.ts FOLDER");
for (const [name, create] of Object.entries({ ...narrowModels, "abstaining-deeplab": abstainingDeepLab })) {
  writeFileSync(join(folder, `${name}.onnx`), encodeModel(told(create())));
}
