/** After a Newton step this small the next one, about its square, is below float64's rounding. */
const relativeTolerance = 1e-10;
/** Far more than Newton's method takes; bisection alone would need 40 from a bracket of a factor 2. */
const mostSteps = 200;

/**
 * The root of an increasing function on (0, ∞) that is negative near 0 and positive far out: Newton's method, with
 * doubling or bisection wherever its step would leave the bracket that is known to hold the root.
 *
 * @param at     value and derivative
 * @param start  > 0
 */
export function increasingRoot(at: (x: number) => { value: number; slope: number }, start: number): number {
  let [low, high] = [0, Infinity];
  let x = start;
  for (let step = 0; step < mostSteps; step++) {
    const { value, slope } = at(x);
    if (value === 0) return x;
    if (value < 0) low = x;
    else high = x;
    const newton = x - value / slope;
    const halfway = high === Infinity ? 2 * x : (low + high) / 2;
    const next = newton > low && newton < high ? newton : halfway;
    if (Math.abs(next - x) <= relativeTolerance * x) return next;
    x = next;
  }
  return x;
}
