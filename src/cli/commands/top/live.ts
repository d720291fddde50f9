import { systemClock } from '../../../platform/clock.js';
import { Surveyor } from '../../../observe/surveyor.js';
import type { ParsedArguments } from '../../spec.js';
import { hasStyle, paintable } from '../../view/paint.js';
import { Screen } from '../../view/screen.js';
import { TopView, type Look } from '../../view/top-view.js';
import { WaitedMinute } from '../../view/waited-minute.js';
import { placesOf } from './places.js';

const DEFAULT_INTERVAL_MS = 1_000;
const SHORTEST_INTERVAL_MS = 100;
/** Servers and remotes are asked less often than the kernel. */
const PLACES_EVERY_MS = 5_000;

/** Shows the locks of the machine until the user ends it. Resolves with the exit code; the terminal is restored by then. */
export async function showLive(args: ParsedArguments): Promise<number> {
  const intervalMs = Math.max(SHORTEST_INTERVAL_MS, args.durationMs('interval') ?? DEFAULT_INTERVAL_MS);
  const places = placesOf(args);
  const surveyor = new Surveyor(places);
  const minute = new WaitedMinute();
  const look = (): Look => {
    const survey = surveyor.look();
    return { survey, describe: (lock) => surveyor.described(lock), waitedLastMinuteMs: minute.add(survey) };
  };
  const view = new TopView(look());
  const isStyled = hasStyle();
  return new Promise((resolve) => {
    const paint = (): void => {
      const { columns, rows } = screen;
      screen.paint(view.lines(columns, rows).map((line) => paintable(line, isStyled)));
    };
    const end = (exitCode: number): void => {
      timer.clear();
      screen.leave();
      resolve(exitCode);
    };
    const screen = new Screen({
      onKey: (key) => {
        view.press(key, screen.rows);
        if (view.isOver) end(0);
        else paint();
      },
      onRepaint: paint,
      onEnd: end,
    });
    let placesAt = -Infinity;
    const tick = (): void => {
      if (systemClock.now() - placesAt >= PLACES_EVERY_MS) {
        placesAt = systemClock.now();
        void places.refresh();
      }
      view.update(look());
      paint();
      timer = systemClock.setTimer(intervalMs, tick);
    };
    let timer = systemClock.setTimer(0, tick);
  });
}
