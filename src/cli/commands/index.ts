// The commands, in the order of the help. A new one is one file and one line here.
import type { Command } from "../command.js";
import { bench } from "./bench.js";
import { calibrateCommand } from "./calibrate.js";
import { combine } from "./combine.js";
import { compare } from "./compare.js";
import { demo } from "./demo.js";
import { ensemble } from "./ensemble.js";
import { evaluate } from "./eval.js";
import { exportCommand } from "./export.js";
import { fetchCommand } from "./fetch.js";
import { fit } from "./fit.js";
import { inspect } from "./inspect.js";
import { metrics } from "./metrics.js";
import { prior } from "./prior.js";
import { profile } from "./profile.js";
import { score } from "./score.js";
import { train } from "./train.js";
import { tune } from "./tune.js";

export const commands: readonly Command[] = [
  inspect,
  train,
  prior,
  tune,
  evaluate,
  compare,
  bench,
  fit,
  combine,
  calibrateCommand,
  exportCommand,
  ensemble,
  score,
  metrics,
  profile,
  fetchCommand,
  demo,
];
