import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** What this folder's own package.json brings: package managers, Node binaries, checkers. */
export const tools = fileURLToPath(new URL('./node_modules', import.meta.url));

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of somebody who has heard of us today, and the Node that is first in its PATH. */
export class Consumer {
  readonly directory: string;
  readonly #node: string;

  /** @param onEnd `afterAll`, for one that several tests share. */
  constructor(node: string, onEnd: (remove: () => void) => void = onTestFinished) {
    this.directory = mkdtempSync(join(tmpdir(), 'holdfast-consumer-'));
    onEnd(() => rmSync(this.directory, { recursive: true, force: true }));
    this.#node = join(tools, node, 'bin');
    this.write('package.json', '{"private": true}\n');
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.directory, name)), { recursive: true });
    writeFileSync(join(this.directory, name), text);
  }

  /** Installs the tarball, and what else is named, with npm, without scripts. */
  async install(...packages: readonly string[]): Promise<void> {
    const npm = join(tools, 'npm11/bin/npm-cli.js');
    const { code, stderr } = await this.node(npm, 'install', '--ignore-scripts', '--no-audit', ...packages);
    if (code !== 0) throw new Error(`npm install: ${stderr}`);
  }

  /** Runs a program of this consumer's Node: a script, or a file of {@link tools}. */
  node(...args: string[]): Promise<Finished> {
    return this.run(join(this.#node, 'node'), ...args);
  }

  run(program: string, ...args: string[]): Promise<Finished> {
    return this.runWith({}, program, ...args);
  }

  /** With more variables in its environment. */
  runWith(more: Readonly<Record<string, string>>, program: string, ...args: string[]): Promise<Finished> {
    return new Promise((resolve) => {
      const env = Object.fromEntries(
        Object.entries(process.env).filter(
          ([name]) => !/^(?:npm_|vitest|node_(?!extra_ca_certs))/i.test(name),
        ),
      );
      execFile(
        program,
        args,
        {
          cwd: this.directory,
          encoding: 'utf8',
          // What a package manager asks for by name must find the same Node.
          env: { ...env, ...more, PATH: `${this.#node}${delimiter}${env['PATH'] ?? ''}` },
        },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });
  }
}
