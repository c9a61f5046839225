// The commands, in the order of the help. A new one is one file and one line here.
import type { Command } from "../command.js";
import { inspect } from "./inspect.js";
import { metrics } from "./metrics.js";

export const commands: readonly Command[] = [inspect, metrics];
