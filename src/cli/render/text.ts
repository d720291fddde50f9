/** Columns for text that people read; a pipe gets 80. Longer lines than 100 are hard to follow. */
export function textWidth(stream: { readonly columns?: number }): number {
  return Math.min(stream.columns ?? 80, 100);
}

/** Breaks at spaces; `indent` goes before every line. A word longer than the line stays whole. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines.join('\n');
}

/** At most `width` columns, an ellipsis for what is cut. Control characters cannot move the cursor. */
export function fit(text: string, width: number): string {
  const plain = singleLine(text);
  return plain.length <= width ? plain : `${plain.slice(0, Math.max(0, width - 1))}…`;
}

export function singleLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
