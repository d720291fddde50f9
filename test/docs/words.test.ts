import { expect, test } from 'vitest';

import { BANNED, bannedIn } from '../../scripts/words.mjs';

test('a banned word is found with its line and what to write instead', () => {
  expect(bannedIn('first line\nNobody knows.')).toEqual([
    { line: 2, word: 'Nobody', instead: BANNED[0]?.[1] },
  ]);
});

test('parts of other words, and plain sentences, are left alone', () => {
  expect(bannedIn('If the holder is killed, the lock is released. outdoors, stellar, sheared')).toEqual([]);
});
