// Which curve drives which target of a model: names as models write them.

/**
 * For each target, the index of its curve, or -1.
 *
 * Names are compared without regard to case, spaces and underscores; ``_L`` and ``_R`` at the end are Left and
 * Right; what stands before a dot, colon, underscore or the like may be a prefix (``Head_M.jawOpen``).
 */
export function match(curves: readonly string[], targets: readonly string[]): number[] {
  const known = new Map(curves.map((name, i) => [plain(name), i]));
  return targets.map((target) => {
    for (const name of suffixes(target)) {
      const found = known.get(plain(name));
      if (found !== undefined) return found;
    }
    return -1;
  });
}

function plain(name: string): string {
  return name
    .replace(/[_. -][lL]$/, "Left")
    .replace(/[_. -][rR]$/, "Right")
    .replace(/[^A-Za-z0-9]/g, "")
    .toLowerCase();
}

/** The name, and what is left of it after each separator, the longest first. */
function* suffixes(name: string): Iterable<string> {
  yield name;
  for (const separator of name.matchAll(/[^A-Za-z0-9]+/g)) {
    const rest = name.slice(separator.index + separator[0].length);
    if (rest.length > 1) yield rest; // one letter is a side, not a name
  }
}
