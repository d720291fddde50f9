// The house rules. The layers are written once, as an order; everything about imports follows from it.

/** From the top to the bottom: a layer may import from the layers below it, and from itself. */
const LAYERS = [
  ['bin'],
  ['cli'],
  ['claims', 'cache', 'provision', 'observe'],
  ['durable', 'fencing', 'testing', 'verify', 'compat', 'web-locks'],
  ['locks'],
  ['backends', 'renewal'],
  ['files', 'net', 'process'],
  ['platform'],
  ['core'],
];
/** `claims` works on git itself, whose plumbing all lives in one backend. */
const EXCEPTIONS = { claims: ['backends/git'] };

const BACKENDS = ['etcd', 'flock', 'git', 'lease', 'memory', 'postgres', 'redis'];
/** What the backends of servers share; it knows none of them. */
const GROUND = ['engine'];

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

function importRule(folder, forbidden) {
  return {
    files: [`src/${folder}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:timers', message: CLOCK_MESSAGE },
            { name: 'node:timers/promises', message: CLOCK_MESSAGE },
            { name: 'node:perf_hooks', message: CLOCK_MESSAGE },
          ],
          patterns: [{ group: forbidden, message: `Not a layer below ${folder}; see ARCHITECTURE.md.` }],
        },
      ],
    },
  };
}

const layerRules = LAYERS.flatMap((siblings, level) => {
  const above = LAYERS.slice(0, level).flat();
  return siblings.map((folder) => {
    const besides = siblings.filter((sibling) => sibling !== folder);
    const layers = [...above, ...besides].map((name) => `**/${name}/**`);
    return importRule(folder, [...layers, ...allowed(folder)]);
  });
});

function allowed(folder) {
  return (EXCEPTIONS[folder] ?? []).map((path) => `!**/${path}/**`);
}

// After the layers, so that these win: no backend knows another.
const backendRules = [...BACKENDS, ...GROUND].map((name) =>
  importRule(`backends/${name}`, [
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
  ]),
);

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
    ...layerRules,
    ...backendRules,
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
      files: ['src/cli/{output,print,prompt,terminal}.ts', 'src/testing/contender.ts'],
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
