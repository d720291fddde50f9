import type { Announced, Announcement, Announcer } from '../core/announcing.js';

let loaded: Announcer | undefined;
let isLoading = false;
const early = new Set<Early>();

/** Of a hold or wait that began before the code that announces was there. */
class Early implements Announcement {
  readonly what: Announced;
  #announcement: Announcement | undefined;

  constructor(what: Announced) {
    this.what = what;
  }

  announce(announcer: Announcer): void {
    this.#announcement = announcer.announce(this.what);
  }

  end(): void {
    early.delete(this);
    this.#announcement?.end();
  }
}

/** Of this thread. Its code is loaded with the first hold or wait that must be announced: most processes have none. */
export const announcer: Announcer = {
  announce(what) {
    if (loaded !== undefined) return loaded.announce(what);
    const announcement = new Early(what);
    early.add(announcement);
    if (!isLoading) {
      isLoading = true;
      // Without it others see less of this process, and nothing else is different.
      void load().catch(() => early.clear());
    }
    return announcement;
  },
};

async function load(): Promise<void> {
  const { openAnnouncer } = await import('../observe/out/announcements.js');
  loaded = openAnnouncer();
  for (const announcement of early) announcement.announce(loaded);
  early.clear();
}
