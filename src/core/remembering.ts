/** `compute` of a text, with its answers kept for the next time; all are forgotten once there are `limit` of them. */
export function remembering<T>(limit: number, compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let answer = known.get(text);
    if (answer === undefined) {
      answer = compute(text);
      if (known.size >= limit) known.clear();
      known.set(text, answer);
    }
    return answer;
  };
}
