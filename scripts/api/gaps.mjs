// What a reader of the reference would miss: each public name needs these. A test fails on a gap.
const UNIT_IN_NAME =
  /(Ms|Bytes|At|Count|Lines|Code|Pid|Status)$|^(pid|permits|size|held|waiting|exitCode|attempt|length|generation|version)$/;
const UNIT_IN_TEXT =
  /\d|milliseconds|seconds|bytes|number of|how many|how often|count|position|exit code|status code|times|process id|ignored/i;
const ENDS_WELL = /never throws|does not throw|never rejects/i;

export function gapsOf(api) {
  return api.flatMap(({ name, exports }) =>
    exports.flatMap((one) => [
      ...gapsOfExport(one).map((gap) => ({ what: `${name} ${one.name}`, where: one.where, gap })),
      ...one.members.flatMap((member) =>
        gapsOfMember(one, member).map((gap) => ({
          what: `${name} ${one.name}.${member.name}`,
          where: member.where,
          gap,
        })),
      ),
    ]),
  );
}

function gapsOfExport(one) {
  const gaps = one.doc === '' ? ['no summary'] : [];
  if (one.kind === 'function' && !endingIsKnown(one)) gaps.push('no @throws, nor that it never throws');
  return gaps;
}

function gapsOfMember(owner, member) {
  if (member.name === 'constructor' && owner.name.endsWith('Error')) return [];
  const gaps = member.doc === '' ? ['no summary'] : [];
  if (member.name === 'constructor' || member.name.startsWith('[Symbol.')) return gaps;
  if (member.isCallable && !endingIsKnown(member)) gaps.push('no @throws, nor that it never throws');
  if (isOption(owner, member) && !/default|absent|without it/i.test(textOf(member))) gaps.push('no default');
  if (/^number( \| (undefined|null))?$/.test(member.type) && !hasUnit(member))
    gaps.push('a number without a unit');
  return gaps;
}

function isOption(owner, member) {
  return owner.name.endsWith('Options') && member.isOptional && !member.isCallable;
}

function hasUnit(member) {
  return UNIT_IN_NAME.test(member.name) || UNIT_IN_TEXT.test(textOf(member));
}

function endingIsKnown({ doc, tags }) {
  return tags.some(({ name }) => name === 'throws') || ENDS_WELL.test(doc.replaceAll(/\s+/g, ' '));
}

function textOf({ doc, tags }) {
  return [doc, ...tags.map(({ text }) => text)].join(' ');
}
