/** What is expected of `claim` where the row does not say it: `claimed`, in the repository that `git ls-remote` reads. */
export interface Row {
  readonly name: string;
  /** For sh, in the clone. `$R` is the remote repository, `$D` the folder of everything, `$HTTP` the URL of the folder. */
  readonly script?: string;
  /** Besides HOME and PATH; `$R` and so on are filled in. */
  readonly env?: Readonly<Record<string, string>>;
  readonly remote?: string;
  /** Of the library's error; `git ls-remote` may work or not. */
  readonly fails?: { readonly code: string; readonly message: RegExp };
  /** Default `$R`. */
  readonly at?: string;
}

const FORGE = 'git remote set-url origin https://forge.example.test/remote.git';
const SSH = 'git remote set-url origin "ssh://git@forge$R"';
const KEY = 'touch "$D/key"';
const OTHER = 'git clone -q --bare "$R" "$D/other.git" 2>/dev/null';
const WRAP =
  'for p in upload receive; do printf "#!/bin/sh\\nexec git-$p-pack \\"$R\\"\\n" > "$D/$p"; chmod +x "$D/$p"; done; git remote set-url origin /nowhere.git';
const APART = {
  code: 'HOLDFAST_CONFIG_MISMATCH',
  message: /one place has to decide|other claims|fetches from/,
};

/** Ways to reach a remote, each of which `git ls-remote` is asked about first. */
export const ROWS: readonly Row[] = [
  { name: 'a path' },
  {
    name: 'a path relative to the top, from below',
    script: 'git remote set-url origin ../remote.git; mkdir -p a/b',
  },
  { name: 'file://', script: 'git remote set-url origin "file://$R"' },
  { name: 'http', script: 'git remote set-url origin "$HTTP/remote.git"' },
  { name: 'a path as --remote', remote: '$R' },
  { name: 'a URL as --remote', remote: 'file://$R' },
  { name: 'another name as --remote', script: 'git remote rename origin upstream', remote: 'upstream' },
  {
    name: 'holdfast.remote',
    script: 'git remote rename origin upstream; git config holdfast.remote upstream',
  },
  { name: 'a name with dots', script: 'git remote rename origin a.b.c', remote: 'a.b.c' },
  {
    name: 'insteadOf, global',
    script: `${FORGE}; git config --global url."$D/".insteadOf https://forge.example.test/`,
  },
  {
    name: 'insteadOf, local',
    script: `${FORGE}; git config url."$D/".insteadOf https://forge.example.test/`,
  },
  {
    name: 'insteadOf, the longest wins',
    script: `${FORGE}; git config --global url."$D/".insteadOf https://forge.example.test/; git config --global url./nowhere/.insteadOf https://forge`,
  },
  {
    name: 'insteadOf that would match its own result',
    script: `${FORGE}; git config --global url."$D/".insteadOf https://forge.example.test/; git config --global url./nowhere/.insteadOf "$D/"`,
  },
  {
    name: 'insteadOf in GIT_CONFIG_COUNT',
    script: FORGE,
    env: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'url.$D/.insteadOf',
      GIT_CONFIG_VALUE_0: 'https://forge.example.test/',
    },
  },
  {
    name: 'insteadOf of git -c',
    script: FORGE,
    env: { GIT_CONFIG_PARAMETERS: "'url.$D/.insteadof'='https://forge.example.test/'" },
  },
  {
    name: 'insteadOf in GIT_CONFIG_GLOBAL',
    script: `${FORGE}; git config -f "$D/g" url."$D/".insteadOf https://forge.example.test/`,
    env: { GIT_CONFIG_GLOBAL: '$D/g' },
  },
  {
    name: 'insteadOf in GIT_CONFIG_SYSTEM',
    script: `${FORGE}; git config -f "$D/s" url."$D/".insteadOf https://forge.example.test/`,
    env: { GIT_CONFIG_SYSTEM: '$D/s' },
  },
  {
    name: 'XDG_CONFIG_HOME',
    script: `${FORGE}; mkdir -p "$D/x/git"; git config -f "$D/x/git/config" url."$D/".insteadOf https://forge.example.test/`,
    env: { XDG_CONFIG_HOME: '$D/x' },
  },
  {
    name: 'include.path',
    script: `${FORGE}; git config -f "$D/i" url."$D/".insteadOf https://forge.example.test/; git config include.path "$D/i"`,
  },
  {
    name: 'includeIf gitdir',
    script: `${FORGE}; git config -f "$D/i" url."$D/".insteadOf https://forge.example.test/; git config --global includeIf."gitdir:$D/clone/.git".path "$D/i"`,
  },
  {
    name: 'includeIf onbranch',
    script: `${FORGE}; git config -f "$D/i" url."$D/".insteadOf https://forge.example.test/; git config --global includeIf.onbranch:main.path "$D/i"`,
  },
  {
    name: 'includeIf hasconfig',
    script: `${SSH}; ${KEY}; git config -f "$D/i" core.sshCommand "ssh -i $D/key"; git config --global includeIf."hasconfig:remote.*.url:ssh://git@forge/**".path "$D/i"`,
  },
  {
    name: 'worktree config',
    script: `${FORGE}; git config extensions.worktreeConfig true; git config --worktree url."$D/".insteadOf https://forge.example.test/`,
  },
  {
    name: 'pushurl to the same repository',
    script: 'git remote set-url origin "file://$R"; git config remote.origin.pushurl "$R"',
  },
  {
    name: 'pushInsteadOf to the same repository',
    script: 'git remote set-url origin "file://$R"; git config --global url."$R".pushInsteadOf "file://$R"',
  },
  {
    name: 'pushurl, and a pushInsteadOf that does not apply to it',
    script: `${OTHER}; git config remote.origin.pushurl "$R"; git config --global url."$D/other.git".pushInsteadOf "$R"`,
  },
  {
    name: 'fetch from a mirror, push upstream',
    script: `${OTHER}; git remote set-url origin "$D/other.git"; git config remote.origin.pushurl "$R"`,
    fails: APART,
  },
  {
    name: 'pushInsteadOf to another repository',
    script: `${OTHER}; git config --global url."$D/other.git".pushInsteadOf "$R"`,
    fails: APART,
  },
  {
    name: 'two push URLs',
    script: 'git config --add remote.origin.pushurl "$R"; git config --add remote.origin.pushurl /b',
    fails: APART,
  },
  {
    name: 'core.sshCommand relative to the top',
    script: `${SSH}; touch key; git config core.sshCommand "ssh -i key"`,
  },
  {
    name: 'GIT_SSH_COMMAND relative to the top',
    script: `${SSH}; touch key`,
    env: { GIT_SSH_COMMAND: 'ssh -i ./key' },
  },
  {
    name: 'scp-like address',
    script: `${KEY}; git remote set-url origin "git@forge:$R"; git config core.sshCommand "ssh -i $D/key"`,
  },
  {
    name: 'uploadpack and receivepack',
    script: `${WRAP}; mkdir -p /tmp; git remote set-url origin "$R"; for p in upload receive; do git config remote.origin.\${p}pack "$D/$p"; done`,
  },
  {
    name: 'http.extraHeader in GIT_CONFIG_COUNT',
    script: 'git remote set-url origin "$HTTP/remote.git"',
    env: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.extraHeader',
      GIT_CONFIG_VALUE_0: 'X-Token: t0ken',
    },
  },
  {
    name: 'http.proxy of a host that is not used',
    script:
      'git remote set-url origin "$HTTP/remote.git"; git config http.https://other.example/.proxy http://nowhere',
  },
  {
    name: 'a shallow clone',
    script:
      'git commit -q --allow-empty -m y; git push -q origin HEAD:main; cd ..; rm -rf clone; git clone -q --depth 1 "file://$R" clone 2>/dev/null',
  },
  {
    name: 'GIT_DIR and GIT_WORK_TREE',
    script: 'mv .git "$D/apart.git"',
    env: { GIT_DIR: '$D/apart.git', GIT_WORK_TREE: '$D/clone' },
  },
  { name: 'a .git file', script: 'mv .git "$D/apart.git"; echo "gitdir: $D/apart.git" > .git' },
  { name: 'a bare clone', script: 'cd ..; rm -rf clone; git clone -q --bare "$R" clone 2>/dev/null' },
  {
    name: 'a linked working tree',
    script:
      'git worktree add -q --detach "$D/tree"; mv "$D/clone" "$D/main"; mv "$D/tree" "$D/clone"; cd "$D/main"; git worktree repair "$D/clone" >/dev/null 2>&1',
  },
  {
    name: 'SHA-256',
    script:
      'cd ..; rm -rf clone remote.git; git init -q --object-format=sha256 --bare remote.git; git init -q --object-format=sha256 clone; cd clone; git remote add origin "$R"',
  },
  {
    name: 'SHA-256 by URL, from a clone of SHA-1',
    script: 'git init -q --object-format=sha256 --bare "$D/256.git"',
    remote: '$D/256.git',
    at: '$D/256.git',
  },
  {
    name: 'a hook of the user that refuses every push',
    script: 'printf "#!/bin/sh\\nexit 1\\n" > .git/hooks/pre-push; chmod +x .git/hooks/pre-push',
  },
  {
    name: 'push.followTags, gpgSign and mirror of the user',
    script:
      'git config --global push.followTags true; git config --global push.gpgSign true; git config remote.origin.mirror true',
  },
  {
    name: 'fetch.fsckObjects and transfer.hideRefs of the user',
    script: 'git config --global fetch.fsckObjects true; git config --global fetch.prune true',
  },
  {
    name: 'protocol.version 0',
    script: 'git remote set-url origin "$HTTP/remote.git"; git config --global protocol.version 0',
  },
  {
    name: 'a branch "holdfast" at the remote',
    script: 'git push -q origin HEAD:refs/heads/holdfast',
    fails: { code: 'HOLDFAST_CONFIG_MISMATCH', message: /has a branch "holdfast"/ },
  },
  {
    name: 'no such repository',
    script: 'git remote set-url origin "$D/none.git"',
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /does not appear to be a git repository/ },
  },
  {
    name: 'no such host',
    script: 'git remote set-url origin http://127.0.0.1:1/x.git',
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /Failed to connect|Connection refused/ },
  },
  {
    name: 'no such remote',
    remote: 'nowhere',
    fails: { code: 'HOLDFAST_CONFIG_MISMATCH', message: /git knows no remote/ },
  },
  {
    name: 'a key that the server refuses',
    script: `${SSH}; git config core.sshCommand "ssh -i nokey"`,
    fails: { code: 'HOLDFAST_PERMISSION', message: /Permission denied \(publickey\)/ },
  },
  {
    name: 'a banner that speaks of what is prohibited, and then a broken connection',
    script: `${SSH}; printf '#!/bin/sh\\necho "Unauthorized use is prohibited" >&2\\necho "kex_exchange_identification: Connection closed by remote host" >&2\\nexit 255\\n' > "$D/bin/ssh"`,
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /Connection closed by remote host/ },
  },
  {
    name: 'a protocol that the user forbids',
    script: 'git remote set-url origin "file://$R"; git config --global protocol.file.allow never',
    fails: { code: 'HOLDFAST_BACKEND_UNAVAILABLE', message: /transport 'file' not allowed/ },
  },
];
