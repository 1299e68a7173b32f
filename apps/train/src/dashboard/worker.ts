// The dashboard's thread, so that drawing charts never holds up the training.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { StepEvent } from '@bn/core';
import { formatDuration, formatMetrics, formatRate } from '../display/format.js';
import { trackProgress } from '../display/progress.js';
import type { ToDashboard } from './dashboard.js';
import { createDashboardServer } from './server.js';

/** Tried first where no port is asked for, so that an address can be kept. */
const usualPort = 8090;

const { server, ...dashboard } = createDashboardServer();
let follow: ((event: StepEvent) => string) | undefined;

parentPort!.on('message', async (message: ToDashboard) => {
  if (message.type === 'show') {
    dashboard.show(message.folder);
    const track = trackProgress(message.epochs);
    follow = (event) => {
      const { epoch, epochs, step, stepsPerEpoch, soFar, secondsLeft } = track(event);
      const left = secondsLeft === null ? '' : `, ${formatDuration(secondsLeft)} left`;
      const figures = `${formatMetrics(soFar, ', ')}, ${formatRate(soFar.examplesPerSecond)}`;
      return `epoch ${epoch} of ${epochs}, step ${step} of ${stepsPerEpoch}: ${figures}${left}`;
    };
  } else if (message.type === 'step') dashboard.progress(follow!(message.event));
  else if (message.type === 'progress') dashboard.progress(message.text);
  else {
    await dashboard.close(message.text);
    parentPort!.close();
  }
});

const { port } = workerData as { port: number };
await listen(port === 0 ? usualPort : port).catch((error: NodeJS.ErrnoException) => {
  if (port === 0 && error.code === 'EADDRINUSE') return listen(0);
  throw error;
});
parentPort!.postMessage((server.address() as AddressInfo).port);

async function listen(on: number): Promise<void> {
  server.listen(on, '127.0.0.1');
  await once(server, 'listening');
}
