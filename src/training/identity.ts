import { hashFile } from "./run-files.js";

/** Options that decide no bit of a run: where things lie, and how it is carried out. */
interface Places {
  readonly out: string;
  readonly resume?: boolean;
  readonly engine?: object;
  readonly checkpointEvery?: number;
  readonly id: string;
  readonly outliers?: string;
  readonly val?: string;
  readonly prior?: string;
}

interface Fingerprinted {
  fingerprint(): Promise<string>;
}

/** What a run works on. */
export interface Material {
  /** Of the model before the first step. */
  readonly digest: string;
  readonly logits: string;
  readonly id: Fingerprinted;
  readonly outliers: Fingerprinted | undefined;
  readonly parameters: readonly { readonly name: string }[];
}

/** Model, data and options that decide a run's bits: what a checkpoint may be continued with. Files count by what is in them. */
export async function runIdentity(
  options: Places,
  { digest, logits, id, outliers, parameters }: Material,
): Promise<string> {
  const {
    out: _out,
    resume: _resume,
    engine: _engine,
    checkpointEvery: _every,
    id: _id,
    outliers: _outliers,
    val: _val,
    prior,
    ...rest
  } = options;
  return JSON.stringify({
    ...rest,
    // What cannot be read is refused where it is looked at, if it is.
    ...(prior === undefined ? {} : { prior: await hashFile(prior).catch(() => null) }),
    model: digest,
    id: await id.fingerprint(),
    outliers: (await outliers?.fingerprint()) ?? null,
    logits,
    trained: parameters.map(({ name }) => name),
  });
}
