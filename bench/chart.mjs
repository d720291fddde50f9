// One bar chart as SVG text. Light and dark, because GitHub shows either: <picture> chooses.
export const THEMES = {
  light: { text: '#1f2328', faint: '#59636e', bar: '#8c959f', ours: '#0969da' },
  dark: { text: '#f0f6fc', faint: '#9198a1', bar: '#656c76', ours: '#4493f8' },
};
const WIDTH = 720;
const LABEL = 230;
const VALUE = 110;
const ROW = 26;
/** Beyond this the shortest bar would vanish: then the scale is logarithmic, and says so. */
const LINEAR_UP_TO = 40;

export function chart(row, theme) {
  const { text, faint, bar, ours } = THEMES[theme];
  const bars = row.contestants.filter(({ median }) => median > 0).sort((a, b) => a.median - b.median);
  const least = bars[0].median;
  const most = bars.at(-1).median;
  const isLog = most / least > LINEAR_UP_TO;
  const room = WIDTH - LABEL - VALUE;
  const lengthOf = (value) =>
    isLog ? room * (0.05 + 0.95 * (Math.log(value / least) / Math.log(most / least))) : room * (value / most);
  const height = 44 + bars.length * ROW;
  const title = `${row.title}${row.fileSystem === undefined ? '' : ` (${row.fileSystem})`}, ${row.unit}${isLog ? ', logarithmic' : ''}`;
  const lines = bars.map(({ name, median }, index) => {
    const y = 36 + index * ROW;
    const length = Math.max(2, lengthOf(median)).toFixed(1);
    const isOurs = name === row.subject;
    return (
      `<text x="${LABEL - 10}" y="${y + 14}" text-anchor="end" fill="${isOurs ? text : faint}"${isOurs ? ' font-weight="600"' : ''}>${escape(name)}</text>` +
      `<rect x="${LABEL}" y="${y}" width="${length}" height="18" rx="3" fill="${isOurs ? ours : bar}"/>` +
      `<text x="${LABEL + Number(length) + 8}" y="${y + 14}" fill="${text}">${figure(median)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13">`,
    `<text x="0" y="18" fill="${text}" font-weight="600" font-size="14">${escape(title)}</text>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
}

/** Three digits that mean something. */
export function figure(value) {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toFixed(Math.min(digits, 4))).toLocaleString('en', { maximumFractionDigits: 4 });
}

export function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
