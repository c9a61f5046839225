import { createHash } from "node:crypto";
import { z } from "zod";
import { DataError, FormatError } from "../../errors.js";
import { writeFileAtomic } from "../../files.js";
import { checkIndices } from "../dataset.js";
import { readText } from "../files.js";
import { createGenerator } from "../random.js";
import { readScenes } from "./dataset.js";
import { mostScale } from "./options.js";
import { drawPlacement, type PasteOptions, placeOutlier } from "./paste.js";
import type { OutlierObjects, Scene, SegmentationDataset } from "./types.js";

const planFile = z.strictObject({
  format: z.literal("offmap pasted scenes 1"),
  seed: z.int().min(0),
  /** Fingerprint of the objects. */
  objects: z.string(),
  feather: z.int().min(0),
  scenes: z
    .array(
      z.strictObject({
        image: z.string(),
        height: z.int().min(1),
        width: z.int().min(1),
        object: z.string(),
        top: z.int(),
        left: z.int(),
        scale: z.number().gt(0).max(mostScale),
      }),
    )
    .min(1),
});

/**
 * A test set of scenes with pasted objects, as a list: which object goes where in which image. The images themselves are
 * not stored. Images and objects go by their names within their sets; the objects are bound by their fingerprint, the
 * images by their size, so that one plan serves whatever classes of a set count.
 */
export type PastePlan = z.infer<typeof planFile>;

/** Scenes with pasted objects, and which lies where. */
export interface PastedDataset extends SegmentationDataset {
  readonly plan: PastePlan;
}

/**
 * Plans a test set: one random object in every scene, at a random place. Which object a scene gets follows from the seed
 * and the scene's name, so that a part of a set gets the same as the whole.
 *
 * @param seed     integer from 0
 * @param options  as for training; scale and feather
 */
export async function planPastes(
  scenes: SegmentationDataset,
  objects: OutlierObjects,
  seed: number,
  options: PasteOptions = {},
): Promise<PastePlan> {
  const generator = createGenerator(seed).fork("pasted scenes");
  const entries: PastePlan["scenes"] = [];
  for (let index = 0; index < scenes.length; index++) {
    const image = scenes.imageName(index);
    const own = generator.fork(image);
    const chosen = own.fork("object").integer(objects.length);
    const { height, width } = await scenes.readOne(index);
    const placement = drawPlacement({ height, width }, await objects.read(chosen), own.fork("paste"), options);
    entries.push({ image, height, width, object: objects.objectName(chosen), ...placement });
  }
  return {
    format: "offmap pasted scenes 1",
    seed,
    objects: await objects.fingerprint(),
    feather: options.feather ?? 0,
    scenes: entries,
  };
}

/** Writes a plan as JSON, one scene a line. @throws RunError when the file cannot be written */
export async function writePastePlan(path: string, plan: PastePlan): Promise<void> {
  const { scenes, ...head } = plan;
  const lines = scenes.map((scene) => `    ${JSON.stringify(scene)}`).join(",\n");
  const start = JSON.stringify(head, undefined, 2).slice(0, -2);
  await writeFileAtomic(path, `${start},\n  "scenes": [\n${lines}\n  ]\n}\n`);
}

/** @throws FormatError for a file that is no plan */
export async function readPastePlan(path: string): Promise<PastePlan> {
  const text = await readText(path);
  try {
    return planFile.parse(JSON.parse(text));
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    throw new FormatError({
      where: path,
      expected: "a plan of pasted scenes",
      received: issue === undefined ? cause.message : `${issue.path.join(".")}: ${issue.message}`,
      cause,
    });
  }
}

/**
 * The test set of a plan, pasted as it is read: the scenes of the plan, in its order.
 *
 * @throws DataError when the objects are not those of the plan, or an image or object is missing; on reading, when an image
 *   has another size than in the plan
 */
export async function pastedDataset(
  scenes: SegmentationDataset,
  objects: OutlierObjects,
  plan: PastePlan,
): Promise<PastedDataset> {
  if ((await objects.fingerprint()) !== plan.objects) {
    throw new DataError({
      where: objects.spec,
      problem: "these are not the objects that the plan of pasted scenes was made with",
      hint: "give the same files and options, or make a new plan",
    });
  }
  const sceneOf = indicesByName(scenes.length, scenes.imageName);
  const objectOf = indicesByName(objects.length, objects.objectName);
  const entries = plan.scenes.map((entry) => ({
    ...entry,
    index: find(sceneOf, entry.image, scenes.spec),
    objectIndex: find(objectOf, entry.object, objects.spec),
  }));
  const entry = (index: number) => entries[index] as (typeof entries)[number];
  const readOne = async (index: number): Promise<Scene> => {
    const [checked] = checkIndices([index], entries.length, scenes.spec);
    const { index: sceneIndex, objectIndex, height, width, image, ...placement } = entry(checked as number);
    const [scene, object] = await Promise.all([scenes.readOne(sceneIndex), objects.read(objectIndex)]);
    if (scene.height !== height || scene.width !== width) {
      throw new DataError({
        where: scenes.describe(sceneIndex),
        expected: `${width} x ${height} pixels, as in the plan of pasted scenes`,
        received: `${scene.width} x ${scene.height}`,
        hint: "open the images with the size or scale that the plan was made with",
      });
    }
    return placeOutlier(scene, object, placement, plan.feather);
  };
  return {
    plan,
    spec: scenes.spec,
    name: `${scenes.name} with ${objects.name}`,
    length: entries.length,
    ...(scenes.shape === undefined ? {} : { shape: scenes.shape }),
    ...(scenes.classNames === undefined ? {} : { classNames: scenes.classNames }),
    ...(scenes.allClasses === undefined ? {} : { allClasses: scenes.allClasses }),
    readOne,
    read: async (indices) => readScenes(readOne, checkIndices(indices, entries.length, scenes.spec), scenes.spec),
    imageName: (index) => entry(index).image,
    describe: (index) => `${scenes.describe(entry(index).index)} with ${entry(index).object}`,
    async fingerprint() {
      const parts = { scenes: await scenes.fingerprint(), plan };
      return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
    },
  };
}

function indicesByName(length: number, name: (index: number) => string): Map<string, number> {
  return new Map(Array.from({ length }, (_, index) => [name(index), index]));
}

function find(indices: ReadonlyMap<string, number>, name: string, where: string): number {
  const index = indices.get(name);
  if (index !== undefined) return index;
  throw new DataError({ where, problem: `the plan of pasted scenes needs "${name}", which is not there` });
}
