import { basename, dirname, join, resolve, sep } from 'node:path';

/** Everything that one installation keeps, all beside its install directory NAME. */
export interface Layout {
  /** The path people know. A symbolic link to the current version. */
  readonly installDir: string;
  readonly parentDir: string;
  /** `.NAME.lock`. Stays for good; its age means nothing. */
  readonly lockPath: string;
  /** `NAME.versions`. Trees are built where they stay: CMake writes absolute run paths into them. */
  readonly versionsDir: string;
  /** `.NAME.log`: the whole output of the last build. */
  readonly logPath: string;
  /** `.NAME.link`: a link that is about to become NAME; after an exchange the directory that was there. */
  readonly linkPath: string;
  /** `.NAME.swap`: a directory on its way out of NAME. */
  readonly swapPath: string;
}

const VERSIONS = '.versions';

export function layoutOf(installDir: string): Layout {
  const path = resolve(installDir);
  const [parentDir, name] = [dirname(path), basename(path)];
  return {
    installDir: path,
    parentDir,
    lockPath: join(parentDir, `.${name}.lock`),
    versionsDir: join(parentDir, `${name}${VERSIONS}`),
    logPath: join(parentDir, `.${name}.log`),
    linkPath: join(parentDir, `.${name}.link`),
    swapPath: join(parentDir, `.${name}.swap`),
  };
}

export function versionDir(layout: Layout, id: string): string {
  return join(layout.versionsDir, id);
}

/**
 * The install directory that `path` is a version of, or lies in one; undefined when it does not look like that.
 * A shell that evaluated our exports has such paths in its own `{NAME}_DIR`, and they mean "the usual place".
 */
export function installDirOfVersion(path: string): string | undefined {
  const parts = resolve(path).split(sep);
  const index = parts.findLastIndex((part) => part.endsWith(VERSIONS) && part !== VERSIONS);
  if (index === -1 || index === parts.length - 1) return undefined;
  const name = (parts[index] as string).slice(0, -VERSIONS.length);
  return [...parts.slice(0, index), name].join(sep);
}
