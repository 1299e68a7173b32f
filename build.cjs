// Builds what has changed, quietly: turbo's own words are shown only if a build fails, and then on standard error, since
// standard output belongs to the program that runs next. Plain enough for an old Node, which it refuses.

const { spawn } = require('node:child_process');
const { engines } = require('./package.json');

const [major, minor] = process.versions.node.split('.').map(Number);
const [oldestMajor, oldestMinor] = engines.node.slice('>='.length).split('.').map(Number);
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  console.error(
    `error: this needs Node ${engines.node.slice(2)} or newer, and this is ${process.versions.node}; https://nodejs.org has it`,
  );
  process.exit(1);
}

const patience = 1500;
const notice = setTimeout(() => console.error('building …'), patience);
const turbo = spawn(
  process.execPath,
  [require.resolve('turbo/bin/turbo'), 'run', 'build', '--output-logs=errors-only'],
  {
    cwd: __dirname,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  },
);
const said = [];
for (const stream of [turbo.stdout, turbo.stderr]) stream.on('data', (chunk) => said.push(chunk));
turbo.on('close', (code) => {
  clearTimeout(notice);
  process.exitCode = code === null ? 1 : code;
  if (process.exitCode !== 0) process.stderr.write(Buffer.concat(said));
});
