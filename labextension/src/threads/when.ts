/** Midnight before a moment, where the reader is; `back` days earlier. */
export function midnight(moment: Date, back = 0): Date {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate() - back);
}

/** When something was last said, in few letters: the time today, the day this week, else the date. */
export function when(iso: string | null, now: Date): string {
  const moment = new Date(iso ?? NaN);
  if (Number.isNaN(moment.getTime())) {
    return '';
  }
  const form = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(undefined, options).format(moment);
  if (moment >= midnight(now)) {
    return form({ hour: 'numeric', minute: '2-digit' });
  }
  if (moment >= midnight(now, 1)) {
    return 'Yesterday';
  }
  if (moment >= midnight(now, 6)) {
    return form({ weekday: 'short' });
  }
  const year = moment.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return form({ day: 'numeric', month: 'short', year });
}

/** How long ago, as the list is divided: an index into Today, Yesterday, Last 7 days, Older. */
export function age(iso: string | null, now: Date): 0 | 1 | 2 | 3 {
  const moment = new Date(iso ?? NaN).getTime();
  if (moment >= midnight(now).getTime()) {
    return 0;
  }
  if (moment >= midnight(now, 1).getTime()) {
    return 1;
  }
  return moment >= midnight(now, 6).getTime() ? 2 : 3;
}

/** The beginning of the last so many days, today among them, as the search takes it. */
export function daysAgo(days: number, now: Date): string {
  return midnight(now, days - 1).toISOString();
}
