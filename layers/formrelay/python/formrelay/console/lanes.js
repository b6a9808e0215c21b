// Work for the server that nobody waits for, a little at a time.

// Each job is a call of the server's, which has others to answer as well.
const AT_ONCE = 3;

// Does the jobs until the reader leaves; one that fails is left out.
export function fewAtATime(signal, jobs) {
  const work = async () => { while (jobs.length && !signal.aborted) await jobs.shift()().catch(() => {}); };
  for (let lane = 0; lane < AT_ONCE; lane += 1) work();
}
