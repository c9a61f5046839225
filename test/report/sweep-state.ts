/** What a small sweep has come to, for tests of its tables: two OOD sets, two seeds, a recipe that failed and one that cannot be run. */
import type { PlannedRun, Recipe, RunNumbers, SweepState } from "../../src/benchmarks/sweep/index.js";

const data = {
  test: { name: "test", images: 1000, fingerprint: "t" },
  ood: [
    { name: "near_set", images: 200, fingerprint: "n" },
    { name: "far", images: 3000, fingerprint: "f" },
  ],
};

function recipe(name: string, title: string, order: number, more: Partial<Recipe> = {}): Recipe {
  return {
    ...{ name: `demo/${name}`, file: `${name}.yaml`, title, table: "demo", task: "classification", order, stages: [] },
    data: { id: "id", test: "test", ood: [] },
    evaluate: {
      scores: [],
      scoresFrom: 0,
      accuracyFrom: 0,
      adjust: true,
      prior: false,
      priorScenes: 1,
      fitOutliers: false,
      scoreOptions: {},
    },
    notes: ["These sets stand in for others."],
    ...more,
  };
}

const source = "the paper, table 1";
const msp = recipe("msp", "ST & MSP", 1);
const oe = recipe("oe", "OE_tuned", 2, { paper: { auroc: 85.04, source } });
const energy = recipe("energy", "=Energy | 50 %", 3, { paper: { auroc: 91.92, accuracy: 74.53, source } });
const broken = recipe("broken", "Broken", 4);
const later = recipe("later", "Later", 5, { todo: "no loss yet" });

const run = (of: Recipe, seed: number): PlannedRun => ({
  ...{ recipe: of, seed, key: `${of.name} ${seed}`, stages: [], scores: [], data },
  scoresFrom: { path: "model" },
  accuracyFrom: { path: "model" },
});

function numbers(
  of: PlannedRun,
  scores: Readonly<Record<string, number>>,
  accuracy: number,
  share?: number,
): RunNumbers {
  const detection = (auroc: number, fpr95: number) => ({ auroc, aupr: auroc, fpr95 });
  return {
    ...{ key: of.key, recipe: of.recipe.name, seed: of.seed, stages: [], preset: "official", data },
    accuracy,
    groups: { many: 0.9, medium: 0.7, few: accuracy - 0.2 },
    adjusted: { accuracy: accuracy + 0.07, groups: { many: 0.8, medium: 0.7, few: 0.6 } },
    scores: Object.fromEntries(
      Object.entries(scores).map(([score, auroc]) => [
        score,
        {
          average: detection(auroc, 0.3),
          sets: { near_set: detection(auroc - 0.05, 0.35), far: detection(auroc + 0.05, 0.25) },
        },
      ]),
    ),
    prior: share === undefined ? null : { share: [share, 1 - share], outliers: 40, class_names: ["cat", "dog"] },
  };
}

export function demoState(): SweepState {
  const runs = [run(msp, 1), run(oe, 1), run(energy, 1), run(energy, 2), run(broken, 1)] as const;
  const [first, second, third, fourth, fifth] = runs;
  return {
    recipes: [later, energy, msp, oe, broken],
    plan: { stages: new Map(), runs },
    numbers: new Map([
      [first, numbers(first, { msp: 0.7 }, 0.7)],
      [second, numbers(second, { msp: 0.8, energy: 0.85 }, 0.65)],
      [third, numbers(third, { energy: 0.9 }, 0.6, 0.5)],
      [fourth, numbers(fourth, { energy: 0.94 }, 0.7, 1)],
    ]),
    failures: new Map([[fifth, "the disk is full"]]),
  };
}
