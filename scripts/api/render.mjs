// One Markdown page for each subpath: functions, classes, values, types, in the order of their kinds and names.
const KINDS = [
  ['function', 'Functions'],
  ['class', 'Classes'],
  ['value', 'Values'],
  ['interface', 'Interfaces'],
  ['type', 'Types'],
];

export function pageNameOf(entry) {
  return `${entry.replaceAll('/', '-')}.md`;
}

const GENERATED = '_Written by `npm run api` from the doc comments in `src`. Change those, not this page._';

export function renderPage({ name, exports }, pageOf) {
  const lines = [`# \`${name}\``, '', GENERATED, ''];
  for (const [kind, heading] of KINDS) {
    const group = exports.filter((one) => one.kind === kind).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (group.length > 0)
      lines.push(`## ${heading}`, '', ...group.flatMap((one) => renderExport(one, name, pageOf)));
  }
  return lines.join('\n');
}

function renderExport(one, entry, pageOf) {
  const link = (text) => linked(text, entry, pageOf);
  const code = one.signatures.filter((text) => text !== undefined).join('\n');
  return [
    `### \`${one.name}\``,
    '',
    ...(code === '' ? [] : ['```typescript', code, '```', '']),
    link(one.doc),
    '',
    ...renderTags(one.tags, link),
    ...renderMembers(one.members, link),
  ];
}

function renderTags(tags, link) {
  const of = (wanted) => tags.filter(({ name }) => name === wanted).map(({ text }) => text);
  const parameters = of('param').map((text) => text.replace(/^(\S+)\s*(?:-\s*)?/, '- `$1`: '));
  return [
    ...(parameters.length > 0 ? [...parameters.map(link), ''] : []),
    ...of('throws').flatMap((text) => [`**Throws** ${link(text)}`, '']),
    ...of('see').flatMap((text) => [`**Source**: ${link(text)}`, '']),
    ...of('example').flatMap((text) => ['```typescript', text.trim(), '```', '']),
  ];
}

function renderMembers(members, link) {
  if (members.length === 0) return [];
  const rows = members.map((member) => {
    const throws = member.tags
      .filter(({ name }) => name === 'throws')
      .map(({ text }) => ` **Throws** ${text}`);
    const name = `\`${member.name}${member.isOptional ? '?' : ''}\``;
    const type = member.type === '' ? '' : `\`${oneLine(member.type)}\``;
    return `| ${name} | ${cell(type)} | ${cell(link(oneLine([member.doc, ...throws].join(''))))} |`;
  });
  return ['| member | type | meaning |', '| --- | --- | --- |', ...rows, ''];
}

const oneLine = (text) => text.replaceAll(/\s+/g, ' ').trim();
const cell = (text) => text.replaceAll('|', '\\|');

/** `{@link name}` becomes a link where the name has an entry, and code where it has none. */
function linked(text, entry, pageOf) {
  return text.replaceAll(/\{@link\s+([^}\s|]+)(?:\s*\|?\s*([^}]*))?\}/g, (_, target, label) => {
    const page = pageOf(target.split(/[.#]/)[0], entry);
    const shown = `\`${label?.trim() || target}\``;
    return page === undefined
      ? shown
      : `[${shown}](${page === pageNameOf(entry) ? '' : page}#${anchor(target)})`;
  });
}

function anchor(target) {
  return target.split(/[.#]/)[0].toLowerCase();
}
