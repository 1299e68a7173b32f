// Whether classes have very different numbers of examples.

/** From this ratio of the largest class to the smallest on, accuracy tells little of the smallest. */
const unequal = 1.5;

/** E.g. `cat has 300 examples, dog has 12`; null for classes of about one size. Classes without any examples do not count. */
export function unequalClasses(
  classes: readonly { readonly name: string; readonly examples: number }[],
): string | null {
  const sorted = classes.filter(({ examples }) => examples > 0).sort((a, b) => b.examples - a.examples);
  const [most, least] = [sorted[0], sorted.at(-1)];
  if (!most || !least || most.examples <= unequal * least.examples) return null;
  return `${most.name} has ${most.examples} examples, ${least.name} has ${least.examples}`;
}
