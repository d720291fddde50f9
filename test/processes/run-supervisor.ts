import { existsSync, readFileSync } from 'node:fs';

/** The supervisor between a wrapper and its command. */
export function supervisorOf(wrapper: number): number | undefined {
  const children = readFileSync(`/proc/${wrapper}/task/${wrapper}/children`, 'latin1').trim().split(' ');
  return children.map(Number).find((pid) => {
    const comm = `/proc/${pid}/comm`;
    return pid > 0 && existsSync(comm) && readFileSync(comm, 'latin1') === 'holdfast-run\n';
  });
}
