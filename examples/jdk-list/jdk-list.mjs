// Which JDKs are there? `node jdk-list.mjs [--refresh] [--major 21] [--arch x64]`
//
// The list is fetched at most once a day, by whichever process comes first; all others read the file, and without a
// network the old list still answers. JDK_LIST_URL and JDK_LIST_FILE say where it comes from and where it is kept.
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { HttpCache } from 'holdfast/cache';

const URL_DEFAULT =
  'https://api.foojay.io/disco/v3.0/packages?operating_system=linux&archive_type=tar.gz&release_status=ga&latest=available';
const DAY_MS = 86_400_000;

const { values } = parseArgs({
  options: {
    refresh: { type: 'boolean', default: false },
    major: { type: 'string' },
    arch: { type: 'string', default: 'x64' },
  },
});

const file = process.env.JDK_LIST_FILE ?? join(homedir(), '.cache', 'jdk-list', 'packages.json');
mkdirSync(dirname(file), { recursive: true });

/** Any Standard Schema would do (zod, valibot, arktype). What does not fit is refused, and the old list stays. */
const schema = {
  '~standard': {
    version: 1,
    vendor: 'jdk-list',
    validate: (value) =>
      Array.isArray(value?.result)
        ? { value }
        : { issues: [{ message: 'the list of packages is missing', path: ['result'] }] },
  },
};

const cache = new HttpCache(file, process.env.JDK_LIST_URL ?? URL_DEFAULT, { ttlMs: DAY_MS, schema });
const { value, isStale, fetchedAt, refreshError } = values.refresh
  ? await cache.refresh()
  : await cache.get();
if (isStale)
  console.error(
    `The list is of ${fetchedAt.toISOString()}: ${refreshError?.message ?? 'a newer one is on its way'}`,
  );

// Each vendor has its own word for an architecture, and the API hands it on.
const SAME = { amd64: 'x64', arm64: 'aarch64' };
const nameOf = (architecture) => SAME[architecture] ?? architecture;
const wanted = value.result.filter(
  ({ package_type: type, architecture, major_version: major }) =>
    type === 'jdk' &&
    nameOf(architecture) === nameOf(values.arch) &&
    (values.major === undefined || major === Number(values.major)),
);
for (const { distribution, java_version: version, filename, links } of wanted) {
  console.log([distribution.padEnd(10), version.padEnd(11), filename, links.pkg_download_redirect].join(' '));
}
