/** From values to positions, and the round numbers in between. */

export type Domain = readonly [low: number, high: number];

export interface Scale {
  (value: number): number;
  readonly domain: Domain;
}

/** A linear map of `domain` onto `range`. */
export function linearScale(domain: Domain, range: readonly [number, number]): Scale {
  const [low, high] = domain;
  const [start, end] = range;
  return Object.assign((value: number) => start + ((value - low) / (high - low)) * (end - start), { domain });
}

/** The distance between ticks: 1, 2 or 5 times a power of ten, so that about `target` of them fit. */
export function tickStep([low, high]: Domain, target: number): number {
  const rough = (high - low) / target;
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return power * (lead < Math.SQRT2 ? 1 : lead < Math.sqrt(10) ? 2 : lead < Math.sqrt(50) ? 5 : 10);
}

/** The multiples of the tick step inside the domain, ascending. */
export function ticks(domain: Domain, target: number): number[] {
  const step = tickStep(domain, target);
  const first = Math.ceil(domain[0] / step - 1e-9);
  const last = Math.floor(domain[1] / step + 1e-9);
  // Multiplying keeps the error of each tick to one rounding; adding up would let 0.1 drift to 0.30000000000000004.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** The smallest and the largest finite value, made wider when they are equal; [0, 1] when there is none. */
export function extent(values: Iterable<number>): Domain {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  if (low < high) return [low, high];
  const room = Math.abs(low) / 2 || 0.5;
  return [low - room, high + room];
}

/** The domain extended outwards to whole tick steps. */
export function niceDomain(domain: Domain, target: number): Domain {
  const step = tickStep(domain, target);
  return [Math.floor(domain[0] / step + 1e-9) * step, Math.ceil(domain[1] / step - 1e-9) * step];
}
