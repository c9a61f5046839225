/** A name that every file system takes: letters and digits of any script, `_`, `.` and `-`. */
const safe = (name: string) => name.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "_");

/** A file name for each of several things, numbered where two would share one, be it in another case. */
export function fileNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const wanted = safe(name);
    let free = wanted;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${wanted}-${number}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
