import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { asPostgres, serverDirectory, startServer, type PostgresServer } from './engines.js';
import { freePort } from './ports.js';

/** A pooler in front of `server`, as the packages install it. */
export async function startPgbouncer(
  server: PostgresServer,
  mode: 'session' | 'transaction',
): Promise<{ readonly url: string } & AsyncDisposable> {
  const directory = serverDirectory();
  const port = await freePort();
  const file = join(directory.path, 'pgbouncer.ini');
  const users = join(directory.path, 'users.txt');
  writeFileSync(users, '"holder" ""\n');
  writeFileSync(
    file,
    `[databases]
postgres = host=127.0.0.1 port=${server.port} user=holder
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = trust
auth_file = ${users}
pool_mode = ${mode}
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
`,
  );
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres', directory.path]);
  const [command, args] = asPostgres('pgbouncer', [file]);
  const running = await startServer(command, args, port);
  return {
    url: `postgres://holder@127.0.0.1:${port}/postgres`,
    [Symbol.asyncDispose]: async () => {
      await running.kill();
      directory.remove();
    },
  };
}
