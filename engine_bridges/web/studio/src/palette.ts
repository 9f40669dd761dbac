// Colours of curves: neighbours in a list look apart, and a curve keeps its own.

/** The colour of the curve at ``index`` of its rig. */
export function colour(index: number, strength = 1): string {
  return `hsl(${Math.round((index * 137.508 + 18) % 360)} 68% 66% / ${strength})`;
}

/** Whether a name goes with a search: words that it contains, or a pattern with ``*`` and ``?``. */
export function searched(query: string): (name: string) => boolean {
  const parts = query.trim().toLowerCase().split(/[\s,]+/).filter(Boolean);
  if (parts.length === 0) return () => true;
  const tests = parts.map((part) => {
    if (!/[*?]/.test(part)) return (name: string) => name.includes(part);
    const pattern = part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
    const whole = new RegExp(`^${pattern}$`);
    return (name: string) => whole.test(name);
  });
  return (name) => tests.some((test) => test(name.toLowerCase()));
}
