// Lines over size, logarithmic in both directions, as SVG text. Light and dark as in chart.mjs.
import { escape, figure, THEMES } from './chart.mjs';

const WIDTH = 720;
const HEIGHT = 360;
const ROOM = { left: 64, right: 250, top: 36, bottom: 48 };

/** `rows`: of one work, in the order of their sizes. */
export function growthChart(rows, theme) {
  const { text, faint, bar, ours } = THEMES[theme];
  const { title, unit, x } = rows[0].growth;
  const lines = linesOf(rows);
  const sizes = rows.map((row) => row.growth.size);
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  const right = WIDTH - ROOM.right;
  const bottom = HEIGHT - ROOM.bottom;
  const across = scale(Math.min(...sizes), Math.max(...sizes), ROOM.left, right);
  const up = scale(Math.min(...values), Math.max(...values), bottom, ROOM.top + 12);
  const label = `${title}${rows[0].fileSystem === undefined ? '' : ` (${rows[0].fileSystem})`}, ${unit}, logarithmic`;
  const ticks = [
    ...sizes.map(
      (size) =>
        `<text x="${across(size)}" y="${bottom + 18}" text-anchor="middle" fill="${faint}">${figure(size)}</text>`,
    ),
    ...[Math.min(...values), Math.max(...values)].map(
      (value) =>
        `<text x="${ROOM.left - 8}" y="${up(value) + 4}" text-anchor="end" fill="${faint}">${figure(value)}</text>`,
    ),
  ];
  const ends = spread(lines.map(({ points }) => up(points.at(-1).value)));
  const drawn = lines.map(({ name, points }, index) => {
    const colour = name === rows[0].subject ? ours : bar;
    const path = points.map(({ size, value }) => `${across(size).toFixed(1)},${up(value).toFixed(1)}`);
    const dots = points.map(
      ({ size, value }) =>
        `<circle cx="${across(size).toFixed(1)}" cy="${up(value).toFixed(1)}" r="3.5" fill="${colour}"/>`,
    );
    const end = points.at(-1);
    return (
      `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}` +
      `<text x="${(across(end.size) + 10).toFixed(1)}" y="${(ends[index] + 4).toFixed(1)}" fill="${name === rows[0].subject ? text : faint}">${escape(name.length > 28 ? `${name.slice(0, 27)}...` : name)} ${figure(end.value)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escape(label)}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13">`,
    `<text x="0" y="18" fill="${text}" font-weight="600" font-size="14">${escape(label)}</text>`,
    `<line x1="${ROOM.left}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="${faint}"/>`,
    `<line x1="${ROOM.left}" y1="${ROOM.top}" x2="${ROOM.left}" y2="${bottom}" stroke="${faint}"/>`,
    ...ticks,
    `<text x="${(ROOM.left + right) / 2}" y="${bottom + 38}" text-anchor="middle" fill="${faint}">${escape(x)}</text>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function linesOf(rows) {
  const names = [...new Set(rows.flatMap(({ contestants }) => contestants.map(({ name }) => name)))];
  return names.map((name) => ({
    name,
    points: rows.flatMap(({ growth: { size }, contestants }) => {
      const value = contestants.find((contestant) => contestant.name === name)?.median;
      return value > 0 ? [{ size, value }] : [];
    }),
  }));
}

function scale(least, most, from, to) {
  const range = Math.log(most / least) || 1;
  return (value) => from + ((to - from) * Math.log(value / least)) / range;
}

/** Labels at least a line apart. */
function spread(heights) {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a] - heights[b]);
  const placed = [...heights];
  for (let i = 1; i < order.length; i++) {
    placed[order[i]] = Math.max(placed[order[i]], placed[order[i - 1]] + 16);
  }
  return placed;
}
