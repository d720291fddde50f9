// The script of an exported page: draws what stands in the page, asks nothing of a network. Text of others only ever
// becomes text.
const data = JSON.parse(document.getElementById('data').textContent);
const spans = data.spans.map(([kind, process, lock, start, end, outcome]) => ({
  kind: kind === 0 ? 'waited' : 'held',
  process,
  lock,
  start,
  end,
  outcome,
}));
const lanes = data.processes.map(() => []);
for (const span of spans) lanes[span.process].push(span);
const length = Math.max(1, data.lengthMs);

const box = document.getElementById('lanes');
const canvas = box.querySelector('canvas');
const detail = document.getElementById('detail');
const moment = document.getElementById('moment');
const filter = document.getElementById('filter');
const LANE = 34;
const HUES = [212, 28, 145, 280, 50, 340, 180, 0];
const view = { from: 0, to: length };
let chosen;
let brush;

const seconds = (ms) => (ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`);
const isShown = ({ lock }) => filter.value === '' || lock === Number(filter.value);
const describe = (span) =>
  `${data.processes[span.process]} ${span.kind} ${data.locks[span.lock]} for ${seconds(span.end - span.start)}, ` +
  `from ${seconds(span.start)} to ${seconds(span.end)}: ${span.outcome}`;

function textAdded(parent, tag, text, className) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className !== undefined) element.className = className;
  parent.append(element);
  return element;
}

const colors = () => getComputedStyle(document.documentElement);
const labelWidth = () => Math.min(190, Math.max(90, box.clientWidth * 0.22));
const xOf = (ms) =>
  labelWidth() + ((ms - view.from) / (view.to - view.from)) * (box.clientWidth - labelWidth() - 8);
const msOf = (x) =>
  view.from + ((x - labelWidth()) / (box.clientWidth - labelWidth() - 8)) * (view.to - view.from);

function paint() {
  const scale = window.devicePixelRatio || 1;
  const width = box.clientWidth;
  const height = LANE * lanes.length + 22;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext('2d');
  pen.scale(scale, scale);
  pen.clearRect(0, 0, width, height);
  pen.font = '12px system-ui, sans-serif';
  const style = colors();
  const ink = style.getPropertyValue('--ink');
  paintAxis(pen, height, style);
  lanes.forEach((lane, index) => {
    const y = index * LANE;
    pen.fillStyle = ink;
    pen.save();
    pen.beginPath();
    pen.rect(0, y, labelWidth() - 6, LANE);
    pen.clip();
    pen.fillText(data.processes[index], 8, y + LANE / 2 + 4);
    pen.restore();
    pen.strokeStyle = style.getPropertyValue('--line');
    pen.strokeRect(-1, y + LANE - 0.5, width + 2, 0);
    for (const span of lane) if (span.end >= view.from && span.start <= view.to) paintSpan(pen, span, y, ink);
  });
  paintHandoffs(pen, style.getPropertyValue('--quiet'));
  if (brush !== undefined) {
    pen.fillStyle = 'rgba(127,127,127,0.25)';
    pen.fillRect(Math.min(brush.from, brush.to), 0, Math.abs(brush.to - brush.from), height);
  }
  pen.strokeStyle = style.getPropertyValue('--accent');
  pen.strokeRect(xOf((Number(moment.value) / 1000) * length), 0, 0, height);
}

function paintAxis(pen, height, style) {
  pen.fillStyle = style.getPropertyValue('--quiet');
  for (let part = 0; part <= 4; part++) {
    const ms = view.from + ((view.to - view.from) * part) / 4;
    const label = seconds(ms);
    const x = xOf(ms) - (part === 4 ? pen.measureText(label).width : 0);
    if (box.clientWidth > 600 || part % 2 === 0) pen.fillText(label, x, height - 6);
  }
}

/** Held is a whole bar, waiting a thin one in outline: also without colours they differ. */
function paintSpan(pen, span, y, ink) {
  const x = Math.max(labelWidth(), xOf(span.start));
  const wide = Math.max(1, xOf(span.end) - x);
  if (!isShown(span) || x > box.clientWidth) return;
  const hue = HUES[span.lock % HUES.length];
  const isHeld = span.kind === 'held';
  const [top, tall] = isHeld ? [y + 5, 17] : [y + 24, 5];
  pen.fillStyle = `hsl(${hue} ${isHeld ? 65 : 45}% ${isHeld ? 50 : 62}%)`;
  pen.fillRect(x, top, wide, tall);
  if (!/^(?:acquired|released|still)/.test(span.outcome)) {
    pen.fillStyle = colors().getPropertyValue('--bad');
    pen.fillRect(x + wide - 2, top - 2, 3, tall + 4);
  }
  if (span === chosen) {
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.strokeRect(x - 1, top - 1, wide + 2, tall + 2);
    pen.lineWidth = 1;
  }
}

const handoffs = (() => {
  const found = [];
  data.locks.forEach((_, lock) => {
    const holds = spans.filter((span) => span.lock === lock && span.kind === 'held');
    holds.slice(1).forEach((next, index) => {
      const before = holds[index];
      if (before.process !== next.process && next.start >= before.end && next.start - before.end < 100)
        found.push([before, next]);
    });
  });
  return found;
})();

/** Only where they can be told apart. */
function paintHandoffs(pen, color) {
  const inView = handoffs.filter(([from, to]) => to.start >= view.from && from.end <= view.to && isShown(to));
  if (inView.length > 150) return;
  pen.strokeStyle = color;
  pen.fillStyle = color;
  for (const [from, to] of inView) {
    const down = to.process > from.process;
    const [x1, x2] = [xOf(from.end), xOf(to.start)];
    const y1 = from.process * LANE + (down ? 22 : 5);
    const y2 = to.process * LANE + (down ? 5 : 22);
    if (Math.min(x1, x2) < labelWidth()) continue;
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x2, y2);
    pen.lineTo(x2 - 3, y2 + (down ? -6 : 6));
    pen.lineTo(x2 + 3, y2 + (down ? -6 : 6));
    pen.fill();
  }
}

function choose(span) {
  chosen = span;
  if (span !== undefined) {
    detail.textContent = describe(span);
    if (span.end < view.from || span.start > view.to) {
      const wide = view.to - view.from;
      zoom(Math.max(0, span.start - wide / 2), Math.max(0, span.start - wide / 2) + wide);
    }
    const y = span.process * LANE;
    if (y < box.scrollTop || y + LANE > box.scrollTop + box.clientHeight)
      box.scrollTop = Math.max(0, y - LANE);
  }
  paint();
}

function zoom(from, to) {
  const wide = Math.min(length, Math.max(0.05, to - from));
  view.from = Math.max(0, Math.min(from, length - wide));
  view.to = view.from + wide;
  document.getElementById('range').textContent = `${seconds(view.from)} to ${seconds(view.to)}`;
  paint();
}

function zoomBy(factor) {
  const middle = chosen === undefined ? (view.from + view.to) / 2 : (chosen.start + chosen.end) / 2;
  const half = ((view.to - view.from) * factor) / 2;
  zoom(middle - half, middle + half);
}

function spanAt(event) {
  const at = canvas.getBoundingClientRect();
  const lane = lanes[Math.floor((event.clientY - at.top) / LANE)];
  const ms = msOf(event.clientX - at.left);
  const slack = (view.to - view.from) / 400;
  const isHeld = (event.clientY - at.top) % LANE < 23;
  const under =
    lane?.filter((span) => isShown(span) && span.start - slack <= ms && span.end + slack >= ms) ?? [];
  return under.find(({ kind }) => (kind === 'held') === isHeld) ?? under[0];
}

canvas.addEventListener('pointerdown', (event) => {
  const x = event.clientX - canvas.getBoundingClientRect().left;
  if (x < labelWidth()) return;
  brush = { from: x, to: x };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener('pointermove', (event) => {
  if (brush === undefined) {
    const span = spanAt(event);
    if (span !== undefined && span !== chosen) choose(span);
    return;
  }
  brush.to = event.clientX - canvas.getBoundingClientRect().left;
  paint();
});
canvas.addEventListener('pointerup', (event) => {
  const done = brush;
  brush = undefined;
  if (done === undefined) return;
  if (Math.abs(done.to - done.from) > 6)
    zoom(msOf(Math.min(done.from, done.to)), msOf(Math.max(done.from, done.to)));
  else {
    setMoment(msOf(done.to));
    choose(spanAt(event));
  }
});

/** Of the chosen lane by time, of another lane at the same time. */
function step(key) {
  const lane = chosen?.process ?? 0;
  const inLane = (index) => lanes[index]?.filter(isShown) ?? [];
  if (chosen === undefined) return lanes.flat().find(isShown);
  if (key === 'ArrowLeft' || key === 'ArrowRight') {
    const own = inLane(lane);
    return own[own.indexOf(chosen) + (key === 'ArrowRight' ? 1 : -1)] ?? chosen;
  }
  const other = inLane(lane + (key === 'ArrowDown' ? 1 : -1));
  return other.find(({ end }) => end >= chosen.start) ?? other.at(-1) ?? chosen;
}

box.addEventListener('keydown', (event) => {
  if (event.key.startsWith('Arrow')) choose(step(event.key));
  else if (event.key === '+' || event.key === '=') zoomBy(0.5);
  else if (event.key === '-') zoomBy(2);
  else if (event.key === '0') zoom(0, length);
  else if (event.key === 'Enter' && chosen !== undefined) setMoment(chosen.start);
  else return;
  event.preventDefault();
});

function setMoment(ms) {
  moment.value = String(Math.round((ms / length) * 1000));
  showForest();
}

/** Who waits for whom at the moment: a holder, below it those who wait, and below them what they hold themselves. */
function showForest() {
  const ms = (Number(moment.value) / 1000) * length;
  document.getElementById('at').textContent = seconds(ms);
  const now = spans.filter(({ start, end }) => start <= ms && end >= ms);
  const held = now.filter(({ kind }) => kind === 'held');
  const waits = now.filter(({ kind }) => kind === 'waited');
  const forest = document.getElementById('forest');
  forest.replaceChildren();
  const grow = (parent, hold, above) => {
    const item = textAdded(
      parent,
      'li',
      `${data.processes[hold.process]} holds ${data.locks[hold.lock]} for ${seconds(ms - hold.start)}`,
    );
    const waiting = waits.filter(({ lock, process }) => lock === hold.lock && process !== hold.process);
    if (waiting.length === 0) return;
    const list = textAdded(item, 'ul', '');
    for (const wait of waiting) {
      const child = textAdded(
        list,
        'li',
        `${data.processes[wait.process]} waits for ${seconds(ms - wait.start)}`,
      );
      const own = held.filter(({ process, lock }) => process === wait.process && lock !== hold.lock);
      if (above.includes(wait.process)) textAdded(child, 'strong', ': a deadlock', 'bad');
      else if (own.length > 0)
        own.forEach((next) => grow(textAdded(child, 'ul', ''), next, [...above, wait.process]));
    }
  };
  const isRoot = (hold) => !waits.some(({ process }) => process === hold.process);
  const roots = held.filter(isRoot).filter(({ lock }) => waits.some((wait) => wait.lock === lock));
  const stuck = held.filter((hold) => !isRoot(hold) && waits.some(({ lock }) => lock === hold.lock));
  for (const hold of [...roots, ...(roots.length === 0 ? stuck.slice(0, 1) : [])])
    grow(forest, hold, [hold.process]);
  if (forest.childElementCount === 0) textAdded(forest, 'li', 'Nothing is waited for at this moment.');
  paint();
}

data.locks.forEach((name, index) => {
  const option = textAdded(filter, 'option', name);
  option.value = String(index);
});
filter.addEventListener('change', paint);
moment.addEventListener('input', showForest);
document.getElementById('in').addEventListener('click', () => zoomBy(0.5));
document.getElementById('out').addEventListener('click', () => zoomBy(2));
document.getElementById('all').addEventListener('click', () => zoom(0, length));
window.addEventListener('resize', paint);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
zoom(0, length);
setMoment(data.momentMs);
