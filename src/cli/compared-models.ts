/** What `offmap eval` says of several models: those of `--baseline` first, the one of `--model` last. */
import { OptionError } from "../errors.js";
import { percentage } from "../report/format.js";

interface Named {
  readonly name: string;
  readonly path: string;
}

export interface MeasuredModel {
  readonly name: string;
  /** A fraction, where it was measured. */
  readonly value: number | undefined;
}

/** @throws OptionError for fitted scores, which belong to one model, beside other models */
export function requireOneModel(baselines: readonly string[], fit: readonly string[]): void {
  if (baselines.length === 0 || fit.length === 0) return;
  throw new OptionError({
    where: "--fit",
    expected: "scores that need no fit beside --baseline",
    received: "fitted ones, which belong to one model",
    hint: "evaluate the models one by one",
  });
}

/** @throws OptionError for two files of one score, of which a table could only show one */
export function refuseTwice(fitted: readonly string[]): void {
  const twice = fitted.find((score, index) => fitted.indexOf(score) !== index);
  if (twice === undefined) return;
  throw new OptionError({
    where: "--fit",
    expected: "a file for each score",
    received: `two of ${twice}`,
    hint: "evaluate them one by one",
  });
}

/** The model that differences are taken from, as the tables ask for it. */
export function baselineName([first, ...others]: readonly Named[]): { readonly baseline?: string } {
  return first === undefined || others.length === 0 ? {} : { baseline: first.name };
}

/** `offmap eval --json`; the field names are a contract: the model's own results, those of `baseline`, and of the `others` beside it. */
export function comparedDocument<Model extends Named>(models: readonly Model[], describe: (model: Model) => object) {
  const documents = models.map((model) => ({ model: model.path, ...describe(model) }));
  const [baseline, ...others] = documents.slice(0, -1);
  return { ...documents.at(-1), ...(baseline && { baseline }), ...(others.length > 0 && { others }) };
}

/** What a headline says of one number: of one model what it is, of two from where it goes to where, of more each beside its model. */
export function acrossModels(models: readonly MeasuredModel[]): string {
  const shown = models.map(({ value = Number.NaN }) => `${percentage(value)} %`);
  if (models.length < 3) return `${models.length === 1 ? "is" : "goes from"} ${shown.join(" to ")}`;
  return `is ${models.map(({ name }, index) => `${shown[index]} (${name})`).join(", ")}`;
}
