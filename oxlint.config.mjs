// The house rules. The layers are written once, as an order; everything about imports follows from it.

/** From the top to the bottom: a layer may import from the layers below it, and from itself. */
const LAYERS = [
  ['bin'],
  ['cli'],
  ['claims', 'cache', 'provision', 'observe'],
  ['durable', 'fencing', 'testing', 'verify', 'compat', 'web-locks'],
  ['locks'],
  ['backends', 'renewal', 'observe/out'],
  ['files', 'net', 'process'],
  ['platform'],
  ['core'],
];
/**
 * `claims` works on git itself, whose plumbing all lives in one backend. What a process lets others see of its locks is
 * started by `locks`; what looks at it stands above.
 */
const EXCEPTIONS = { claims: ['backends/git'], locks: ['observe/out'] };

const BACKENDS = ['etcd', 'flock', 'git', 'lease', 'memory', 'postgres', 'redis'];
/** What backends share: of servers, and of stores that compare and swap. They know none of them. */
const GROUND = ['engine', 'register'];

const CLOCK_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate', 'performance'];
const CLOCK_MEMBERS = [
  ['Date', 'now'],
  ['AbortSignal', 'timeout'],
  ['process', 'hrtime'],
  ['process', 'uptime'],
];
const ADDON_MESSAGE = 'Only platform/native touches the addon.';
const OUTPUT_MESSAGE = 'Only cli/output writes to stdout and stderr: it escapes text of others.';
const OUTPUT_STREAMS = ['stdout', 'stderr'];
const CLOCK_MESSAGE = 'Only platform/clock reads clocks and sets timers; take a Clock as a parameter.';

const FILES_MESSAGE =
  'Only src/files replaces, makes, opens and syncs files of ours: replace, make-own, open-own, open-named, sync-directory. A file that does so for another reason is listed in oxlint.config.mjs with that reason.';
/** What has one home, in `src/files`. */
const RAW_FILE_CALLS = [
  ...['open', 'rename', 'mkdir', 'writeFile', 'appendFile', 'copyFile', 'link', 'fsync', 'fdatasync'],
  'createWriteStream',
].flatMap((name) => [name, `${name}Sync`]);
/** Layers that open what is neither a user's nor ours: /proc, devices, and the referee's own playground. */
const FREE_OF_FILE_RULES = ['bin', 'files', 'platform', 'process', 'verify', 'testing'];
/** Files that make one of these calls themselves, and why. */
const RAW_FILE_USERS = [
  ['backends/flock/record', ['openSync'], 'the lock file, which the user named'],
  ['backends/git/operation-log', ['fsyncSync', 'fdatasyncSync'], 'overwritten in place'],
  ['backends/git/signing', ['writeFileSync'], 'a temp directory of its own'],
  ['backends/lease/yielding', ['open'], 'a marker without content'],
  [
    'backends/lease/directory',
    ['open', 'openSync', 'rename', 'renameSync', 'mkdir'],
    'renames are its protocol',
  ],
  ['cache/file-reader', ['openSync'], 'the cache, which the user named, by the flags of open-named'],
  ['cache/list', ['openSync'], 'caches, which the user named'],
  ['claims/hook', ['mkdirSync', 'writeFileSync'], 'a hook of the user’s repository'],
  ['cli/run/events', ['openSync'], 'the file of --events, which the user named'],
  ['cli/run/light-crypto', ['openSync'], '/dev/urandom'],
  ['cli/run/unreadable-name', ['openSync'], 'the lock file, which the user named'],
  ['compat/proper-lockfile/directory', ['mkdirSync', 'renameSync'], 'directories are its protocol'],
  ['compat/proper-lockfile/freshness-worker', ['openSync'], 'the directory whose time it renews'],
  ['durable/append', ['fsyncSync', 'rename', 'writeFileSync'], 'appends are synced, generations renamed'],
  ['durable/write', ['renameSync'], 'handed to files/rename, with a check directly before it'],
  ['net/download', ['open'], 'a download beside its destination'],
  ['provision/build-log', ['openSync'], 'the log of a build'],
  ['provision/sync-tree', ['open'], 'files of the built tree are synced'],
  ['provision/verify', ['open'], 'artifacts of the built tree'],
  ['provision/versions', ['rename', 'mkdir', 'writeFile'], 'the switch of versions is its protocol'],
];

function filePaths(folder, allowed = []) {
  if (FREE_OF_FILE_RULES.includes(folder)) return [];
  const importNames = RAW_FILE_CALLS.filter((name) => !allowed.includes(name));
  return ['node:fs', 'node:fs/promises'].map((name) => ({ name, importNames, message: FILES_MESSAGE }));
}

const HOST_MESSAGE =
  'Only src/platform asks who and where we are: hostname of identity, the directories of user-directories.';

function hostPaths(folder) {
  if (folder.startsWith('platform')) return [];
  return [{ name: 'node:os', importNames: ['homedir', 'hostname'], message: HOST_MESSAGE }];
}

function importRule(folder, forbidden, file = {}) {
  const { files = [`src/${folder}/**`], allowedCalls } = file;
  return {
    files,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:timers', message: CLOCK_MESSAGE },
            { name: 'node:timers/promises', message: CLOCK_MESSAGE },
            { name: 'node:perf_hooks', message: CLOCK_MESSAGE },
            ...filePaths(folder, allowedCalls),
            ...hostPaths(folder),
          ],
          patterns: [{ group: forbidden, message: `Not a layer below ${folder}; see ARCHITECTURE.md.` }],
        },
      ],
    },
  };
}

/** What each folder may not import, from the general to the particular. */
const layerFolders = LAYERS.flatMap((siblings, level) => {
  const above = LAYERS.slice(0, level).flat();
  return siblings.map((folder) => {
    const besides = siblings.filter((sibling) => sibling !== folder);
    const layers = [...above, ...besides].map((name) => `**/${name}/**`);
    return { folder, forbidden: [...layers, ...allowed(folder)] };
  });
});

function allowed(folder) {
  return (EXCEPTIONS[folder] ?? []).map((path) => `!**/${path}/**`);
}

// After the layers, so that these win: no backend knows another.
const backendFolders = [...BACKENDS, ...GROUND].map((name) => ({
  folder: `backends/${name}`,
  forbidden: [
    ...[
      'bin',
      'cli',
      'claims',
      'cache',
      'provision',
      'durable',
      'fencing',
      'testing',
      'locks',
      'renewal',
    ].map((layer) => `**/${layer}/**`),
    ...BACKENDS.filter((other) => other !== name).flatMap((other) => [
      `../${other}/**`,
      `**/backends/${other}/**`,
    ]),
  ],
}));

const folders = [...layerFolders, ...backendFolders];
const folderRules = folders.map(({ folder, forbidden }) => importRule(folder, forbidden));

/** The rules of the folder once more, less the calls that this one file may make. */
const fileRules = RAW_FILE_USERS.map(([file, allowedCalls]) => {
  const { folder, forbidden } = folders.findLast((one) => String(file).startsWith(`${one.folder}/`));
  return importRule(folder, forbidden, { files: [`src/${String(file)}.ts`], allowedCalls });
});

export default {
  plugins: ['typescript', 'unicorn', 'import', 'promise', 'node', 'oxc'],
  categories: { correctness: 'error' },
  ignorePatterns: ['dist', 'prebuilds', 'coverage'],
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'promise/no-callback-in-promise': 'off',
    // Control characters are what is looked for; spreads group the words of a command line.
    'no-control-regex': 'off',
    'unicorn/no-useless-spread': 'off',
    eqeqeq: 'error',
    'max-lines': ['error', { max: 300 }],
  },
  overrides: [
    {
      files: ['src/**'],
      rules: {
        'import/no-default-export': 'error',
        'no-console': 'error',
        'max-lines-per-function': ['error', { max: 80 }],
        'no-restricted-globals': [
          'error',
          ...CLOCK_GLOBALS.map((name) => ({ name, message: CLOCK_MESSAGE })),
        ],
        'no-restricted-properties': [
          'error',
          ...CLOCK_MEMBERS.map(([object, property]) => ({ object, property, message: CLOCK_MESSAGE })),
          { object: 'process', property: 'dlopen', message: ADDON_MESSAGE },
          ...OUTPUT_STREAMS.map((property) => ({ object: 'process', property, message: OUTPUT_MESSAGE })),
        ],
      },
    },
    ...folderRules,
    ...fileRules,
    {
      files: ['src/platform/clock.ts'],
      rules: {
        'no-restricted-globals': 'off',
        'no-restricted-properties': 'off',
        'no-restricted-imports': 'off',
      },
    },
    {
      // A contender's stdout is read by the case that started it.
      files: [
        'src/cli/{output,print,prompt,terminal}.ts',
        'src/cli/view/screen.ts',
        'src/testing/contender.ts',
      ],
      rules: { 'no-restricted-properties': 'off' },
    },
    { files: ['src/platform/native.ts'], rules: { 'no-restricted-properties': 'off' } },
    {
      files: ['test/**', 'bench/**', 'examples/**'],
      rules: {
        'max-lines': ['error', { max: 400 }],
        'typescript/unbound-method': 'off',
        'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
        'typescript/no-base-to-string': 'off',
        'typescript/require-array-sort-compare': 'off',
      },
    },
  ],
};
