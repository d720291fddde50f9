import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { Places, type Place } from '../../../observe/places.js';
import type { RankedLock, Survey } from '../../../observe/seen.js';
import { Surveyor } from '../../../observe/surveyor.js';
import type { ParsedArguments } from '../../spec.js';
import { inspectionsAt } from '../../view/inspections.js';

/** What is looked at besides this machine: what the user named, and the claims of the repository here. */
export function placesOf({ positionals, command }: ParsedArguments): Places {
  const named = positionals.map((subject): Place => ({
    name: subject,
    inspect: () => inspectionsAt(subject, command.name),
  }));
  return new Places([...named, ...claimsHere()]);
}

/** Of a repository with a remote; what has none has no claims. */
function claimsHere(): Place[] {
  const root = repositoryAbove(process.cwd());
  if (root === undefined || !existsSync(join(root, 'holdfast'))) return [];
  return [{ name: 'claims', inspect: () => inspectionsAt('git:', 'ls') }];
}

function repositoryAbove(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, '.git'))) return join(directory, '.git');
    if (dirname(directory) === directory) return undefined;
  }
}

export interface Once {
  readonly survey: Survey;
  /** With what the files and processes of one lock say. */
  readonly describe: (lock: RankedLock) => RankedLock;
}

/** One look, at the places too. */
export async function surveyOnce(args: ParsedArguments): Promise<Once> {
  const places = placesOf(args);
  await places.refresh();
  const surveyor = new Surveyor(places);
  return { survey: surveyor.look(), describe: (lock) => surveyor.described(lock) };
}
