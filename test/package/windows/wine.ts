import { spawnSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  copyFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

import { tools, type Consumer, type Finished } from '../consumer.js';
import { emulatedConsumer } from '../emulated.js';

const WINE = '/usr/lib/wine/wine64';
const HERE = fileURLToPath(new URL('.', import.meta.url));
const SUBJECTS = fileURLToPath(new URL('../../conformance/subjects', import.meta.url));

/** The folder of the installed package, as Windows and as Linux call it. */
export const APP = 'C:\\app';

/**
 * A Windows of its own under wine, with Node and the tarball in {@link APP}. It has no drive Z:, behind which wine shows
 * Linux's files, its /proc among them: a program that looks there would find what no Windows has.
 *
 * It has LockFileEx, job objects and consoles, and kills as Windows does. What it cannot show: locks that wait (its own
 * are polled for, see lock_windows.c), sharing violations on a rename, Ctrl-Break from the keyboard, virus scanners.
 */
export class Wine {
  /** C:, seen from Linux. */
  readonly drive: string;
  /** What the network share `\\server\share` and the drive N: show. */
  readonly share: string;
  readonly #prefix: string;
  readonly #outputs: string;
  #count = 0;

  /** The same package as its user on Linux has it. */
  readonly linux: Consumer;

  private constructor(linux: Consumer) {
    this.linux = linux;
    this.#prefix = mkdtempSync(join(tmpdir(), 'holdfast-wine-'));
    this.drive = join(this.#prefix, 'drive_c');
    this.share = join(this.#prefix, 'share');
    this.#outputs = join(this.#prefix, 'outputs');
    for (const directory of [this.share, this.#outputs]) mkdirSync(directory);
    afterAll(() => this.#close());
  }

  static async open(): Promise<Wine> {
    const wine = new Wine(await emulatedConsumer(afterAll));
    await wine.#install();
    return wine;
  }

  async #install(): Promise<void> {
    const { code } = await this.#wine('winecfg', '-v', 'win10');
    if (code !== 0) throw new Error('wine does not start');
    await this.#wine('reg', 'add', 'HKLM\\Software\\Wine\\Drives', '/v', 'n:', '/d', 'network', '/f');
    // The server reads drives when it starts.
    this.#stopServer();
    const devices = join(this.#prefix, 'dosdevices');
    rmSync(join(devices, 'z:'));
    symlinkSync(this.share, join(devices, 'n:'));
    mkdirSync(join(devices, 'unc', 'server'), { recursive: true });
    symlinkSync(this.share, join(devices, 'unc', 'server', 'share'));
    const app = join(this.drive, 'app');
    cpSync(this.linux.directory, app, { recursive: true });
    for (const name of ['conform.mjs', 'count.mjs', 'laws.mjs']) {
      for (const place of [app, this.linux.directory]) copyFileSync(join(HERE, name), join(place, name));
    }
    cpSync(SUBJECTS, join(app, 'node_modules/holdfast/test/conformance/subjects'), { recursive: true });
    linkOrCopy(join(tools, 'node20-win/bin/node.exe'), join(this.drive, 'node.exe'));
    const helper = [
      '-O2',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-o',
      join(app, 'helper.exe'),
      join(HERE, 'helper.c'),
    ];
    if (spawnSync('x86_64-w64-mingw32-gcc', helper, { stdio: 'inherit' }).status !== 0)
      throw new Error('no helper.exe');
  }

  /** Runs Windows' Node in {@link APP}. */
  node(...args: string[]): Promise<Finished> {
    return this.#wine('C:\\node.exe', ...args);
  }

  holdfast(...args: string[]): Promise<Finished> {
    return this.node('node_modules\\holdfast\\dist\\bin\\holdfast.cjs', ...args);
  }

  /** Output goes through files, since wine's node does not get on with the pipes of Linux. */
  async #wine(...words: string[]): Promise<Finished> {
    const place = join(this.#outputs, String((this.#count += 1)));
    const [out, err] = [`${place}.out`, `${place}.err`];
    const directory = this.#count > 2 ? join(this.drive, 'app') : this.#prefix;
    const script = 'cd "$1" && exec "${@:4}" >"$2" 2>"$3" </dev/null';
    const { code } = await this.linux.runWith(
      { WINEPREFIX: this.#prefix, WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1', NODE_EXTRA_CA_CERTS: '' },
      ...(['bash', '-c', script, basename(WINE), directory, out, err, WINE] as const),
      ...words,
    );
    const [stdout = '', stderr = ''] = [out, err].map((path) =>
      readFileSync(path, 'utf8').replaceAll('\r\n', '\n'),
    );
    return { code, stdout, stderr };
  }

  #stopServer(): void {
    spawnSync('/usr/lib/wine/wineserver64', ['-k', '-w'], {
      env: { ...process.env, WINEPREFIX: this.#prefix },
    });
  }

  #close(): void {
    // It stays for some seconds after the last program, and writes its registry there when it goes.
    this.#stopServer();
    rmSync(this.#prefix, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
