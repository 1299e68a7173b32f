// Tasks that workers on any machine do, by way of Redis: what programs import as @bn/command-line/tasks.

export { connectRedis, type RedisConnection } from './tasks/connect.js';
export { doTasks, type TaskContext, type WorkerOptions } from './tasks/do-tasks.js';
export { type GivingOptions, giveTasks, type TaskGiver } from './tasks/give-tasks.js';
