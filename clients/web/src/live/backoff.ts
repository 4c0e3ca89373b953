const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Full jitter: anywhere below a ceiling that doubles from 0.5 s to 30 s, so that a crowd does not return at once. */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
}
