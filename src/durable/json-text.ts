/** How the editor of a JSON text laid it out, to be kept when we write it. */
export interface JsonStyle {
  readonly indent: string;
  readonly lineEnd: '\n' | '\r\n';
  readonly hasFinalLineEnd: boolean;
  readonly hasByteOrderMark: boolean;
}

export const NEW_FILE_STYLE: JsonStyle = {
  indent: '  ',
  lineEnd: '\n',
  hasFinalLineEnd: true,
  hasByteOrderMark: false,
};

const BYTE_ORDER_MARK = '\uFEFF';

/** `fallback` decides the indentation where the text has none to show: `{}`, `[]` and bare values. */
export function styleOf(text: string, fallback: JsonStyle): JsonStyle {
  const body = withoutByteOrderMark(text);
  const isTooSmallToTell = /^\s*(?:\{\s*\}|\[\s*\]|[^{[\s].*)\s*$/s.test(body);
  return {
    indent: isTooSmallToTell ? fallback.indent : (/^\s*[{[]\r?\n([ \t]+)/.exec(body)?.[1] ?? ''),
    lineEnd: body.includes('\r\n') ? '\r\n' : '\n',
    hasFinalLineEnd: body.endsWith('\n'),
    hasByteOrderMark: body.length < text.length,
  };
}

export function withoutByteOrderMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** @throws TypeError for what JSON cannot say at all (undefined, a function, a bigint, a cycle). */
export function formatJson(value: unknown, style: JsonStyle): string {
  const json = JSON.stringify(value, undefined, style.indent) as string | undefined;
  if (json === undefined) throw new TypeError(`JSON has no form for ${typeof value}.`);
  // A line end inside a string is escaped in JSON, so every real one is layout.
  const body = style.lineEnd === '\n' ? json : json.replaceAll('\n', style.lineEnd);
  return (
    (style.hasByteOrderMark ? BYTE_ORDER_MARK : '') + body + (style.hasFinalLineEnd ? style.lineEnd : '')
  );
}
