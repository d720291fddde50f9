import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { Consumer } from './consumer.js';

const app = new Consumer('node22', afterAll);
beforeAll(() => app.install(inject('tarball'), 'node-cron@4.6.0'));

const SOURCE = `
import cron from 'node-cron';
import { cronCoordinator } from 'holdfast';

cron.setRunCoordinator(cronCoordinator('.'));
const task = cron.schedule('* * * * * *', ({ date }) => console.log('run', date.getTime()), {
  name: 'report',
  distributed: true,
});
setTimeout(() => task.destroy(), 4_500);
`;

test('node-cron runs each scheduled time in one of three processes', async () => {
  app.write('cron.mjs', SOURCE);

  const done = await Promise.all([1, 2, 3].map(() => app.node('cron.mjs')));

  for (const { code, stderr } of done) expect(code, stderr).toBe(0);
  const ran = done.flatMap(({ stdout }) => [...stdout.matchAll(/^run (\d+)$/gm)].map(([, time]) => time));
  expect(ran.length).toBeGreaterThanOrEqual(3);
  expect(new Set(ran).size).toBe(ran.length);
});
