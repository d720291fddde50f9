import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { columnsOf, fit, wrap } from '../../src/cli/render/text.js';
import { renderTable } from '../../src/cli/render/table.js';
import { hasColor, isLive } from '../../src/cli/render/style.js';

describe('text on a terminal', () => {
  it('counts wide characters twice and marks not at all', () => {
    expect(['abc', '日本', 'e\u0301', '🔒x', 'ü'].map(columnsOf)).toEqual([3, 4, 1, 3, 1]);
  });

  it('never takes more columns than it was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, width) => {
        expect(columnsOf(fit(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('cannot move the cursor', () => {
    expect(fit('a\u001b[2Jb\nc', 80)).toBe('a\\u001b[2Jb\\nc');
  });

  it('wraps at spaces', () => {
    expect(wrap('one two three', 9, '  ')).toEqual(['  one two', '  three']);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'LOCK' },
    { title: 'N', isNumeric: true },
    { title: 'COMMAND', isElastic: true },
    { title: 'X' },
  ];

  it('aligns, leaves empty columns out, and cuts the elastic column only', () => {
    const rows = [
      ['a', '7', 'a command that goes on and on', ''],
      ['日本', '12', 'short', ''],
    ];
    expect(renderTable(columns, rows, 24)).toEqual([
      { parts: [{ style: 'bold', text: 'LOCK   N  COMMAND' }] },
      'a      7  a command tha…',
      '日本  12  short',
    ]);
  });
});

describe('colour', () => {
  const terminal = { isTTY: true };
  it.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '' }, true],
    [{ TERM: 'dumb' }, false],
    [{ CI: 'true' }, false],
    [{ CI: 'false' }, true],
  ])('with %j on a terminal: %s', (env, expected) => {
    expect(hasColor(terminal, env)).toBe(expected);
  });

  it('never goes into a pipe', () => {
    expect([hasColor({}, {}), isLive({ isTTY: false }, {})]).toEqual([false, false]);
  });
});
