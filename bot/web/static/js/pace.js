/** Bursts become few: the first call runs at once, the rest become one call at the end of the pause. */

/**
 * @param {() => any} run may be async; the pause begins when it has ended
 * @param {number} pause ms
 * @returns {() => void}
 */
export function pace(run, pause) {
  let busy = false;
  let again = false;
  const go = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    try {
      await run();
    } finally {
      setTimeout(() => {
        busy = false;
        if (again) void go();
      }, pause);
    }
  };
  return () => void go();
}
