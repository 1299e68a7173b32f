// The public names of @bn/mpi.

export { type Job, jobOf, withoutJob } from './job.js';
export { joinJob, type Member } from './join-job.js';
export { findLibrary, type Library } from './library.js';
