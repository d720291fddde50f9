import type { Row } from './oracle-table.js';

const SSH = 'git remote set-url origin "ssh://git@forge$R"';
const FOREIGN = 'chown -R 12345 .';
const TRUST = `git config --global safe.directory '*'`;

/** Further ways, each next to one that once failed: names of places, variables of git, kinds of clones and of servers. */
export const NEIGHBOURS: readonly Row[] = [
  {
    name: 'one push URL, named twice',
    script: 'git config --add remote.origin.pushurl "$R"; git config --add remote.origin.pushurl "$R"',
  },
  {
    name: 'insteadOf is applied once, not to its own result',
    script:
      'git remote set-url origin a:remote.git; git config url.b:.insteadOf a:; git config url."$D/".insteadOf b:',
    fails: { code: 'HOLDFAST_PERMISSION', message: /b:remote\.git refuses it .*publickey/ },
  },
  {
    name: 'remote.pushDefault and branch.pushRemote of another remote',
    script:
      'git remote add other /nowhere; git config remote.pushDefault other; git config branch.main.pushRemote other',
  },
  {
    name: 'a path with a space, a quote and letters beyond ASCII',
    script: `mv "$R" "$D/ré mo'te.git"; git remote set-url origin "$D/ré mo'te.git"`,
    at: "$D/ré mo'te.git",
  },
  {
    name: 'a path that begins with ~',
    script: `mv "$R" "$D/home/r.git"; git remote set-url origin '~/r.git'`,
    at: '$D/home/r.git',
  },
  {
    name: 'a path with a colon',
    script: 'mv "$R" "$D/a:b.git"; git remote set-url origin "$D/a:b.git"',
    at: '$D/a:b.git',
  },
  {
    name: 'a path without its .git',
    script: 'mv "$R" "$D/rr.git"; git remote set-url origin "$D/rr"',
    at: '$D/rr.git',
  },
  { name: 'a name with a slash', script: 'git remote rename origin a/b 2>/dev/null', remote: 'a/b' },
  {
    name: 'a remote of the old form, remotes/NAME',
    script: `mkdir -p .git/remotes; printf 'URL: %s\\n' "$R" > .git/remotes/old`,
    remote: 'old',
  },
  {
    name: 'a remote of the old form, branches/NAME',
    script:
      'mkdir -p .git/branches; echo "$R#main" > .git/branches/older; git config init.defaultBranch main',
    remote: 'older',
  },
  {
    name: 'core.sshCommand with quotes',
    script: `${SSH}; mkdir "$D/a b"; touch "$D/a b/key"; git config core.sshCommand "ssh -i '$D/a b/key'"`,
  },
  {
    name: 'GIT_SSH, a program relative to the top',
    script: `${SSH}; printf '#!/bin/sh\\nfor last; do :; done\\nexec sh -c "$last"\\n' > mine; chmod +x mine`,
    env: { GIT_SSH: './mine' },
  },
  {
    name: 'GIT_SSH_VARIANT',
    script: `${SSH}; printf '#!/bin/sh\\n[ $# -eq 2 ] || exit 9\\nexec sh -c "$2"\\n' > "$D/mine"; chmod +x "$D/mine"`,
    env: { GIT_SSH_COMMAND: '$D/mine', GIT_SSH_VARIANT: 'simple' },
  },
  {
    name: 'ssh.variant',
    script: `${SSH}; printf '#!/bin/sh\\n[ $# -eq 2 ] || exit 9\\nexec sh -c "$2"\\n' > "$D/mine"; chmod +x "$D/mine"; git config core.sshCommand "$D/mine"; git config ssh.variant simple`,
  },
  {
    name: 'http.proxy that is switched off for the URL',
    script:
      'git remote set-url origin "$HTTP/remote.git"; git config http.proxy http://127.0.0.1:1; git config http."$HTTP".proxy ""',
  },
  {
    name: 'protocol.allow, and an exception',
    script:
      'git remote set-url origin "file://$R"; git config --global protocol.allow never; git config --global protocol.file.allow always',
  },
  {
    name: 'GIT_ALLOW_PROTOCOL',
    script: 'git remote set-url origin "file://$R"',
    env: { GIT_ALLOW_PROTOCOL: 'http' },
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /transport 'file' not allowed/ },
  },
  { name: 'a clone of another user, trusted by safe.directory', script: `${FOREIGN}; ${TRUST}` },
  {
    name: 'a clone of another user, trusted by GIT_CONFIG_COUNT',
    script: FOREIGN,
    env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
  },
  {
    name: 'GIT_CONFIG, which only git config reads',
    script: 'git config -f "$D/c" remote.origin.url /nowhere',
    env: { GIT_CONFIG: '$D/c' },
  },
  { name: 'GIT_OBJECT_DIRECTORY', script: 'mkdir "$D/objects"', env: { GIT_OBJECT_DIRECTORY: '$D/objects' } },
  { name: 'GIT_NAMESPACE', env: { GIT_NAMESPACE: 'other' } },
  {
    name: 'GIT_INDEX_FILE and GIT_SHALLOW_FILE',
    env: { GIT_INDEX_FILE: '/nowhere', GIT_SHALLOW_FILE: '/nowhere' },
  },
  { name: 'traces on standard error', env: { GIT_TRACE: '1', GIT_TRACE_PACKET: '1', GIT_TRACE2: '1' } },
  {
    name: 'a message in the language of the user',
    script: 'git remote set-url origin "$D/none.git"',
    env: { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' },
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /does not appear to be a git repository/ },
  },
  {
    name: 'no identity, and none may be guessed; commits must be signed',
    script:
      'git config --unset user.name; git config --unset user.email; git config --global user.useConfigOnly true; git config --global commit.gpgSign true; git config --global gpg.program /nowhere',
  },
  {
    name: 'a partial clone',
    script:
      'git -C "$R" config uploadpack.allowFilter true; cd ..; rm -rf clone; git clone -q --filter=blob:none "file://$R" clone 2>/dev/null',
  },
  { name: 'a clone that borrows objects', script: 'cd ..; rm -rf clone; git clone -q --shared "$R" clone' },
  {
    name: 'a submodule',
    script:
      'cd ..; git init -q super; git -C super -c protocol.file.allow=always submodule --quiet add "$R" sub; rm -rf clone; ln -s super/sub clone',
  },
  { name: 'the clone itself', script: 'git remote set-url origin .', at: '$D/clone/.git' },
  {
    name: 'a server without atomic pushes, with checks of its own',
    script:
      'for setting in receive.advertiseAtomic=false receive.fsckObjects=true receive.denyNonFastForwards=true receive.denyDeletes=true transfer.hideRefs=refs/pull; do git -C "$R" config "${setting%=*}" "${setting#*=}"; done',
  },
  {
    name: 'a server that hides the branches of claims',
    script: 'git -C "$R" config transfer.hideRefs refs/heads/holdfast',
    fails: { code: 'HOLDFAST_PERMISSION', message: /deny updating a hidden ref\)\)\. Ask/ },
  },
  {
    name: 'a global hook that aborts every change of a branch, also of the other side of a path',
    script:
      'mkdir "$D/hooks"; printf "#!/bin/sh\\nexit 1\\n" > "$D/hooks/reference-transaction"; chmod +x "$D/hooks/reference-transaction"; git config --global core.hooksPath "$D/hooks"',
    fails: { code: 'HOLDFAST_PERMISSION', message: /declined by a hook/ },
  },
  {
    name: 'a bundle, which can only be read',
    script: 'git bundle create -q "$D/x.bundle" main; git remote set-url origin "$D/x.bundle"',
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /underlying transport does not support/ },
  },
  {
    name: 'an extension that this git does not know',
    script: 'git config core.repositoryFormatVersion 1; git config extensions.fancy true',
    fails: { code: 'HOLDFAST_CONFIG_MISMATCH', message: /unknown repository extension found: fancy/ },
  },
  {
    name: 'a clone that GIT_CEILING_DIRECTORIES hides',
    script: 'mkdir inner; mv .git ..; cd ..; rm -rf clone; mkdir -p clone',
    env: { GIT_CEILING_DIRECTORIES: '$D' },
    fails: { code: 'HOLDFAST_CONFIG_MISMATCH', message: /git knows no remote of that name/ },
  },
];
