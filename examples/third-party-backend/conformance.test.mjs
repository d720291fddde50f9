// node --test: any runner will do, since the cases are data.
import { test } from 'node:test';

import { casesFor } from 'holdfast/testing';

import { subject } from './subject.mjs';

for (const { id, law, run } of casesFor(subject)) {
  void test(`${id}: ${law}`, () => run(subject));
}
